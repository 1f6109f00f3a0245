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

// Address is what net.Dial and net.Listen take: "unix" and a path, or "tcp" and host:port.
type Address struct{ network, name string }

// serve answers on an address until SIGTERM.
func serve(address Address, handler http.Handler) {
	listener, err := listen(address)
	if err != nil {
		fail(69, err) // EX_UNAVAILABLE
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

// mustParseAddress reads `unix:/path` or `host:port`, the value of a variable.
func mustParseAddress(variable, text string) Address {
	if path, isUnix := strings.CutPrefix(text, "unix:"); isUnix {
		if !filepath.IsAbs(path) || len(path) > 107 {
			fail(78, fmt.Errorf("%s=%s: a socket path is absolute and has at most 107 bytes", variable, text)) // EX_CONFIG
		}
		return Address{"unix", path}
	}
	host, port, err := net.SplitHostPort(text)
	if number, bad := strconv.ParseUint(port, 10, 16); err != nil || host == "" || bad != nil || number == 0 {
		fail(78, fmt.Errorf("%s=%s: it must be unix:/path or host:port", variable, text))
	}
	return Address{"tcp", text}
}

// listen replaces a socket whose process is dead, and none that a live one serves.
func listen(address Address) (net.Listener, error) {
	if address.network == "unix" {
		connection, err := net.Dial(address.network, address.name)
		if err == nil {
			connection.Close()
			return nil, fmt.Errorf("listen unix %s: a live process serves it", address.name)
		}
		file, _ := os.Lstat(address.name)
		if errors.Is(err, syscall.ECONNREFUSED) && file != nil && file.Mode().Type() == os.ModeSocket {
			os.Remove(address.name)
		}
	}
	listener, err := net.Listen(address.network, address.name)
	if err == nil && address.network == "unix" {
		err = os.Chmod(address.name, 0o660) // its folder hands the group on to the sidecar
	}
	return listener, err
}

func fail(status int, err error) {
	fmt.Fprintf(os.Stderr, "%s: %v\n", filepath.Base(os.Args[0]), err)
	os.Exit(status)
}
