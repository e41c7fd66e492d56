// Plays a URL until so many RTP packets have come, and logs in as the URL or the second argument says.
//
// Arguments: the URL, what to send as Authorization in place of what gortsplib would, or nothing, and "websocket"
// where RTSP is to be spoken in one.
package main

import (
	"crypto/tls"
	"log"
	"os"
	"sync"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/pion/rtp"
)

const (
	packets  = 20
	patience = 20 * time.Second
)

func main() {
	log.SetFlags(0)
	tunnel := gortsplib.TunnelNone
	if os.Args[3] == "websocket" {
		tunnel = gortsplib.TunnelWebSocket
	}
	if err := play(os.Args[1], os.Args[2], tunnel); err != nil {
		log.Fatal(err)
	}
}

func play(address, authorization string, tunnel gortsplib.Tunnel) error {
	url, err := base.ParseURL(address)
	if err != nil {
		return err
	}
	protocol := gortsplib.ProtocolTCP
	client := gortsplib.Client{
		Scheme:   url.Scheme,
		Host:     url.Host,
		Protocol: &protocol,
		Tunnel:   tunnel,
		// The certificate of a test is signed by itself.
		TLSConfig: &tls.Config{InsecureSkipVerify: true},
		OnRequest: func(request *base.Request) {
			if authorization != "" {
				request.Header["Authorization"] = base.HeaderValue{authorization}
			}
		},
	}
	if err := client.Start(); err != nil {
		return err
	}
	defer client.Close()
	found, _, err := client.Describe(url)
	if err != nil {
		return err
	}
	if err := client.SetupAll(found.BaseURL, found.Medias); err != nil {
		return err
	}
	var once sync.Once
	done := make(chan struct{})
	count := 0
	client.OnPacketRTPAny(func(*description.Media, format.Format, *rtp.Packet) {
		if count++; count == packets {
			once.Do(func() { close(done) })
		}
	})
	if _, err := client.Play(nil); err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- client.Wait() }()
	select {
	case <-done:
		return nil
	case err := <-failed:
		return err
	case <-time.After(patience):
		return os.ErrDeadlineExceeded
	}
}
