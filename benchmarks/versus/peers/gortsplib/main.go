// A small relay on gortsplib: what is published to a path goes to all who read the path.
//
// Arguments: the address to listen on, and the UDP ports for RTP and RTCP. "version" instead prints gortsplib's.
package main

import (
	"fmt"
	"log"
	"os"
	"runtime/debug"
	"sync"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/pion/rtp"
)

type published struct {
	stream    *gortsplib.ServerStream
	publisher *gortsplib.ServerSession
}

type relay struct {
	server *gortsplib.Server
	mutex  sync.RWMutex
	paths  map[string]published
}

// OnSessionClose ends the stream whose publisher has left.
func (r *relay) OnSessionClose(ctx *gortsplib.ServerHandlerOnSessionCloseCtx) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for path, entry := range r.paths {
		if entry.publisher == ctx.Session {
			entry.stream.Close()
			delete(r.paths, path)
		}
	}
}

// OnDescribe tells a reader what is published.
func (r *relay) OnDescribe(ctx *gortsplib.ServerHandlerOnDescribeCtx) (
	*base.Response, *gortsplib.ServerStream, error,
) {
	return r.find(ctx.Path)
}

// OnAnnounce takes a publisher, unless the path has one.
func (r *relay) OnAnnounce(ctx *gortsplib.ServerHandlerOnAnnounceCtx) (*base.Response, error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if _, taken := r.paths[ctx.Path]; taken {
		return &base.Response{StatusCode: base.StatusForbidden}, nil
	}
	stream := &gortsplib.ServerStream{Server: r.server, Desc: ctx.Description}
	if err := stream.Initialize(); err != nil {
		return &base.Response{StatusCode: base.StatusBadRequest}, err
	}
	r.paths[ctx.Path] = published{stream, ctx.Session}
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// OnSetup sets up a track of either.
func (r *relay) OnSetup(ctx *gortsplib.ServerHandlerOnSetupCtx) (
	*base.Response, *gortsplib.ServerStream, error,
) {
	if ctx.Session.State() == gortsplib.ServerSessionStatePreRecord {
		return &base.Response{StatusCode: base.StatusOK}, nil, nil
	}
	return r.find(ctx.Path)
}

// OnPlay lets a reader play.
func (r *relay) OnPlay(*gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// OnRecord hands each packet of a publisher to all readers.
func (r *relay) OnRecord(ctx *gortsplib.ServerHandlerOnRecordCtx) (*base.Response, error) {
	r.mutex.RLock()
	stream := r.paths[ctx.Path].stream
	r.mutex.RUnlock()
	ctx.Session.OnPacketRTPAny(func(media *description.Media, _ format.Format, packet *rtp.Packet) {
		if err := stream.WritePacketRTP(media, packet); err != nil {
			log.Print(err)
		}
	})
	return &base.Response{StatusCode: base.StatusOK}, nil
}

func (r *relay) find(path string) (*base.Response, *gortsplib.ServerStream, error) {
	r.mutex.RLock()
	defer r.mutex.RUnlock()
	entry, found := r.paths[path]
	if !found {
		return &base.Response{StatusCode: base.StatusNotFound}, nil, nil
	}
	return &base.Response{StatusCode: base.StatusOK}, entry.stream, nil
}

func version() string {
	about, _ := debug.ReadBuildInfo()
	for _, module := range about.Deps {
		if module.Path == "github.com/bluenviron/gortsplib/v5" {
			return fmt.Sprintf("gortsplib %s, %s", module.Version, about.GoVersion)
		}
	}
	return "gortsplib"
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == "version" {
		fmt.Println(version())
		return
	}
	if len(os.Args) != 4 {
		log.Fatal("arguments: HOST:PORT, and UDP addresses for RTP and RTCP; or version")
	}
	r := &relay{paths: make(map[string]published)}
	r.server = &gortsplib.Server{
		Handler:        r,
		RTSPAddress:    os.Args[1],
		UDPRTPAddress:  os.Args[2],
		UDPRTCPAddress: os.Args[3],
	}
	log.Fatal(r.server.StartAndWait())
}
