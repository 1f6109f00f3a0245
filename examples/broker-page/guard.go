package main

// What stands before every route, and how all of them answer (docs/app-contract.md).

import (
	"encoding/json"
	"io"
	"net/http"
	"path"
	"regexp"
	"strings"
)

const maxBody = 16 << 10

// guard refuses a caller whom nobody can name and a body that nobody reads.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := r.Header.Values("X-Forwarded-Client-Cert")
		if header != nil && !namesCaller(strings.Join(header, ", ")) {
			problem(w, http.StatusBadRequest, "CALLER_INVALID", "x-forwarded-client-cert must name exactly one caller")
		} else if _, err := io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, maxBody)); err != nil {
			problem(w, http.StatusRequestEntityTooLarge, "BODY_TOO_LARGE", "The body is larger than 16 KiB")
		} else {
			next.ServeHTTP(w, r)
		}
	})
}

const pair = `(?i:By|Hash|Cert|Chain|Subject|DNS)=(?:"(?:[^"\\]|\\.)*"|[^",;=\\ ]*)`

var caller = regexp.MustCompile(
	`^(?:` + pair + `;)*(?i:URI)=spiffe://[a-z0-9._-]{1,255}(/[A-Za-z0-9._/-]+)(?:;` + pair + `)*$`)

// namesCaller tells whether the header is one element with one URI, and that the SPIFFE ID of a workload.
func namesCaller(header string) bool {
	match := caller.FindStringSubmatch(header)
	return match != nil && path.Clean(match[1]) == match[1]
}

func health(w http.ResponseWriter, _ *http.Request) {
	if stopping.Load() {
		answer(w, http.StatusServiceUnavailable, map[string]string{"status": "stopping"})
		return
	}
	answer(w, http.StatusOK, map[string]string{"status": "ok"})
}

func notFound(w http.ResponseWriter, _ *http.Request) {
	problem(w, http.StatusNotFound, "NOT_FOUND", "There is nothing here")
}

func problem(w http.ResponseWriter, status int, code, message string) {
	answer(w, status, map[string]string{"code": code, "message": message})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}
