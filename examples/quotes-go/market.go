package main

import (
	"math"
	"sync"
	"time"
)

// The market of apps/quotes/market.ts: prices are a pure function of a seed and the time, so that a quotes service in
// any language goes on where another one was.

const (
	seed            = 1867
	tickMs          = 250
	ticksPerSession = 3_600_000 / tickMs
)

// Quote and Quotes are the schemas of apps/quotes/openapi.json.
type Quote struct {
	Symbol string    `json:"symbol"`
	Price  float64   `json:"price"`
	Open   float64   `json:"open"`
	Low    float64   `json:"low"`
	High   float64   `json:"high"`
	Close  float64   `json:"close"`
	Time   time.Time `json:"time"`
}

type Quotes struct {
	AsOf   time.Time `json:"asOf"`
	Quotes []Quote   `json:"quotes"`
}

type stock struct {
	Quote
	key                  uint32
	session, ticks, last int64 // last: the tick, of all time, of the last trade
	level, target        float64
}

// Market is safe for concurrent use.
type Market struct {
	mu     sync.Mutex
	stocks [11]stock
}

func NewMarket() *Market {
	m := &Market{}
	for i := range m.stocks {
		letter := string(rune('A' + i))
		m.stocks[i] = stock{key: hash(seed, int64(i)), session: -1, Quote: Quote{Symbol: letter + letter + letter + letter}}
	}
	return m
}

// At returns the quotes of a moment.
func (m *Market) At(now time.Time) Quotes {
	m.mu.Lock()
	defer m.mu.Unlock()
	tick := now.UnixMilli() / tickMs
	quotes := make([]Quote, len(m.stocks))
	for i := range m.stocks {
		quotes[i] = m.stocks[i].at(tick)
	}
	return Quotes{AsOf: instant(tick), Quotes: quotes}
}

func (s *stock) at(tick int64) Quote {
	session, ticks := tick/ticksPerSession, tick%ticksPerSession
	if s.session != session || s.ticks > ticks {
		s.open(session)
	}
	for s.ticks < ticks {
		s.step()
	}
	s.Time = instant(s.last)
	return s.Quote
}

// open begins a session: overnight the price jumped a little.
func (s *stock) open(session int64) {
	closed := s.anchor(session)
	s.session, s.ticks, s.last = session, 0, session*ticksPerSession
	s.level, s.target = closed+0.002*normal(s.key, session), s.anchor(session+1)
	s.Close, s.Price = price(closed), price(s.level)
	s.Open, s.Low, s.High = s.Price, s.Price, s.Price
}

// step is one tick of a Brownian bridge in the logarithm of the price, with a trade in about every seventh.
func (s *stock) step() {
	left := ticksPerSession - 1 - s.ticks
	s.ticks++
	s.level += (s.target - s.level) / float64(left)
	tick := s.session*ticksPerSession + s.ticks
	if left > 1 {
		if uniform(s.key^1, tick) > 0.15 {
			return
		}
		s.level += 0.0007 * normal(s.key^2, tick)
	}
	s.Price, s.last = price(s.level), tick
	s.Low, s.High = min(s.Low, s.Price), max(s.High, s.Price)
}

// anchor is the logarithm of the price between two sessions, in slow waves around a base from 20 to 400.
func (s *stock) anchor(session int64) float64 {
	base := math.Log(20) + math.Log(20)*uniform(s.key, 0)
	at := float64(session)
	return base + (0.01*wave(s.key^3, at/4) + 0.04*wave(s.key^4, at/24) + 0.1*wave(s.key^5, at/168))
}

func wave(key uint32, at float64) float64 {
	before := math.Floor(at)
	part := at - before
	weight := part * part * (3 - 2*part)
	return 2*(uniform(key, int64(before))*(1-weight)+uniform(key, int64(before)+1)*weight) - 1
}

func normal(key uint32, n int64) float64 {
	a, b := hash(key, n), hash(key^0x5bd1e995, n)
	sum := (a & 0xffff) + (a >> 16) + (b & 0xffff) + (b >> 16)
	return (float64(sum)/0xffff - 2) * math.Sqrt(3)
}

func uniform(key uint32, n int64) float64 { return float64(hash(key, n)) / (1 << 32) }

func hash(key uint32, n int64) uint32 { return mix(mix(mix(key)^uint32(n)) ^ uint32(n>>32)) }

// mix is the finaliser of MurmurHash3.
func mix(h uint32) uint32 {
	h = (h ^ h>>16) * 0x85ebca6b
	h = (h ^ h>>13) * 0xc2b2ae35
	return h ^ h>>16
}

func price(level float64) float64 { return max(0.01, math.Round(math.Exp(level)*100)/100) }

func instant(tick int64) time.Time { return time.UnixMilli(tick * tickMs).UTC() }
