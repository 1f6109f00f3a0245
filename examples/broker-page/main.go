// A broker in Go: pages that the server renders with html/template, and no script. It calls the quotes service through
// its sidecar's socket, and knows nothing of TLS or SPIFFE (docs/app-contract.md).
package main

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"os"
	"regexp"
	"time"
)

//go:embed page.tmpl
var pageText string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"clock":   func(at time.Time) string { return at.UTC().Format("15:04:05") },
	"seconds": func(ms int64) string { return fmt.Sprintf("%.1f s", float64(ms)/1000) },
	"price":   func(price float64) string { return fmt.Sprintf("%.2f", price) },
	"change":  func(quote Quote) string { return fmt.Sprintf("%+.2f", quote.Price-quote.Close) },
}).Parse(pageText))

func main() {
	listen := mustParseAddress("LISTEN", os.Getenv("LISTEN"))
	source := NewSource(mustParseAddress("UPSTREAM_QUOTES", os.Getenv("UPSTREAM_QUOTES")))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", health)
	mux.Handle("GET /{$}", http.RedirectHandler("/quotes", http.StatusFound))
	mux.HandleFunc("GET /quotes", func(w http.ResponseWriter, _ *http.Request) { answerPage(w, source) })
	mux.HandleFunc("GET /api/quotes", func(w http.ResponseWriter, _ *http.Request) { answerQuotes(w, source) })
	mux.HandleFunc("/", notFound)
	serve(listen, guard(mux))
}

// answerPage answers 200 without quotes too: the page is there, and says what is not.
func answerPage(w http.ResponseWriter, source *Source) {
	last, since := source.Read()
	var body bytes.Buffer
	if err := page.Execute(&body, map[string]any{"Last": last, "Since": since}); err != nil {
		problem(w, http.StatusInternalServerError, "INTERNAL", "The app failed")
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Security-Policy", policy)
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Write(body.Bytes())
}

func answerQuotes(w http.ResponseWriter, source *Source) {
	last, since := source.Read()
	if since.IsZero() {
		answer(w, http.StatusOK, last)
		return
	}
	answer(w, http.StatusServiceUnavailable, struct {
		Code     string    `json:"code"`
		Message  string    `json:"message"`
		Since    time.Time `json:"since"`
		LastData *Received `json:"lastData,omitempty"`
	}{"QUOTES_UNAVAILABLE", "Quotes service unavailable", since, last})
}

// policy admits the style in page.tmpl and nothing else.
var policy = fmt.Sprintf(
	"default-src 'none'; style-src 'sha256-%s'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	hashOf(regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(pageText)[1]))

func hashOf(style string) string {
	sum := sha256.Sum256([]byte(style))
	return base64.StdEncoding.EncodeToString(sum[:])
}
