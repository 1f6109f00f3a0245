// The quotes service in Go: net/http and nothing else. It knows nothing of TLS or SPIFFE (docs/app-contract.md).
package main

import (
	"net/http"
	"os"
	"time"
)

func main() {
	listen := mustParseAddress("LISTEN", os.Getenv("LISTEN"))
	market := NewMarket()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", health)
	mux.HandleFunc("GET /quotes", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, market.At(time.Now()))
	})
	mux.HandleFunc("/", notFound)
	serve(listen, guard(mux))
}
