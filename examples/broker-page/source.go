package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// quotesTimeout is for the call as a whole: the page refreshes every second.
const quotesTimeout = 800 * time.Millisecond

type Quote struct {
	Symbol string    `json:"symbol"`
	Price  float64   `json:"price"`
	Open   float64   `json:"open"`
	Low    float64   `json:"low"`
	High   float64   `json:"high"`
	Close  float64   `json:"close"`
	Time   time.Time `json:"time"`
}

// Hop is both ends of the TLS session, as the sidecar verified them.
type Hop struct {
	Caller string `json:"caller"`
	Callee string `json:"callee"`
}

// Received is quotes as they arrived.
type Received struct {
	AsOf      time.Time `json:"asOf"`
	FetchedAt time.Time `json:"fetchedAt"`
	AgeMs     int64     `json:"ageMs"`
	Hop       *Hop      `json:"hop"`
	Quotes    []Quote   `json:"quotes"`
}

// Source is the quotes service, and what it last said.
type Source struct {
	client http.Client

	mu    sync.Mutex
	last  *Received
	since time.Time // zero: the quotes are there
}

func NewSource(address Address) *Source {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, address.network, address.name)
	}
	transport := &http.Transport{DialContext: dial, MaxConnsPerHost: 16, MaxIdleConnsPerHost: 16, IdleConnTimeout: 30 * time.Second}
	refuse := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Source{client: http.Client{Transport: transport, Timeout: quotesTimeout, CheckRedirect: refuse}}
}

// Read asks for quotes. Without an answer it returns the last ones, nil when there never were any, and since when.
func (s *Source) Read() (last *Received, since time.Time) {
	received, err := s.fetch()
	s.mu.Lock()
	defer s.mu.Unlock()
	now := utcNow()
	switch {
	case err == nil:
		s.last, s.since = received, time.Time{}
	case s.since.IsZero():
		s.since = now
		log.Printf("quotes unavailable: %v", err)
	}
	if s.last == nil {
		return nil, s.since
	}
	aged := *s.last
	aged.AgeMs = max(0, now.Sub(aged.FetchedAt).Milliseconds())
	return &aged, s.since
}

func (s *Source) fetch() (*Received, error) {
	response, err := s.client.Get("http://quotes/quotes")
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		io.Copy(io.Discard, io.LimitReader(response.Body, maxBody)) // keeps the connection
		return nil, fmt.Errorf("quotes answered %s", response.Status)
	}
	received := &Received{}
	if err := json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(received); err != nil {
		return nil, err
	}
	received.FetchedAt, received.Hop = utcNow(), hopOf(response.Header)
	if received.AsOf.IsZero() || received.Quotes == nil {
		return nil, errors.New("quotes answered JSON that is not quotes")
	}
	for _, quote := range received.Quotes {
		if quote.Symbol == "" || min(quote.Price, quote.Open, quote.Low, quote.High, quote.Close) <= 0 || quote.Time.IsZero() {
			return nil, errors.New("quotes answered a quote that is none")
		}
	}
	return received, nil
}

// hopOf is nil when no sidecar vouches for both ends.
func hopOf(header http.Header) *Hop {
	hop := Hop{header.Get("X-Caller-Spiffe-Id"), header.Get("X-Callee-Spiffe-Id")}
	if hop.Caller == "" || hop.Callee == "" {
		return nil
	}
	return &hop
}

func utcNow() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }
