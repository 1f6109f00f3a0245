package main

// The life of the process, by docs/app-contract.md: LISTEN, the socket, SIGTERM.

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// idleGrace is as long as the sidecar may still use an idle connection (3 s), and a little longer.
const idleGrace = 4 * time.Second

var stopping atomic.Bool

// serve answers where LISTEN says, until SIGTERM.
func serve(name string, handler http.Handler) {
	network, address, err := parseAddress(os.Getenv("LISTEN"))
	if err != nil {
		fail(name, 78, fmt.Errorf("LISTEN: %w", err)) // EX_CONFIG
	}
	listener, err := listen(network, address)
	if err != nil {
		fail(name, 69, err) // EX_UNAVAILABLE
	}
	var open atomic.Int64
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if stopping.Load() {
				w.Header().Set("Connection", "close")
			}
			handler.ServeHTTP(w, r)
		}),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       time.Minute,
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				open.Add(1)
			case http.StateClosed:
				open.Add(-1)
			}
		},
	}
	stop, _ := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	go server.Serve(listener)
	<-stop.Done()

	// Shutdown closes idle connections at once, and so loses a request that is on its way in one. Therefore: no new
	// connections, each answer closes its own, and Shutdown ends what nobody used in the meantime.
	stopping.Store(true)
	listener.Close()
	for end := time.Now().Add(idleGrace); open.Load() > 0 && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	last, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	server.Shutdown(last)
}

// parseAddress reads `unix:/path` or `host:port`.
func parseAddress(text string) (network, address string, err error) {
	if name, isUnix := strings.CutPrefix(text, "unix:"); isUnix {
		if !filepath.IsAbs(name) || len(name) > 107 {
			return "", "", fmt.Errorf("%q: a socket path is absolute and has at most 107 bytes", text)
		}
		return "unix", name, nil
	}
	host, port, err := net.SplitHostPort(text)
	if number, bad := strconv.ParseUint(port, 10, 16); err != nil || host == "" || bad != nil || number == 0 {
		return "", "", fmt.Errorf("%q is neither unix:/path nor host:port", text)
	}
	return "tcp", text, nil
}

// listen replaces a socket whose process is dead, and none that a live one serves.
func listen(network, address string) (net.Listener, error) {
	if network == "unix" {
		connection, err := net.Dial(network, address)
		if err == nil {
			connection.Close()
			return nil, fmt.Errorf("listen unix %s: a live process serves it", address)
		}
		file, _ := os.Lstat(address)
		if errors.Is(err, syscall.ECONNREFUSED) && file != nil && file.Mode().Type() == os.ModeSocket {
			os.Remove(address)
		}
	}
	listener, err := net.Listen(network, address)
	if err == nil && network == "unix" {
		err = os.Chmod(address, 0o660) // its folder hands the group on to the sidecar
	}
	return listener, err
}

func fail(name string, status int, err error) {
	fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
	os.Exit(status)
}
