// A million goroutines, each the lecture's recogniser in a string: a row for the example `million`.
package main

import (
	"fmt"
	"os"
	"runtime"
	"time"
)

const live, turns = 1_000_000, 16

// A parser is a goroutine that takes bytes, and answers each: true if it needs more.
type parser struct {
	input chan byte
	more  chan bool
}

func (p parser) run() {
	if <-p.input == '"' {
		p.more <- true
		for b := <-p.input; b != '"'; b = <-p.input {
			if b == '\\' {
				p.more <- true
				<-p.input
			}
			p.more <- true
		}
	}
	p.more <- false
}

func (p parser) feed(b byte) {
	p.input <- b
	if !<-p.more {
		panic("not inside a string")
	}
}

func resident() (pages int) {
	text, _ := os.ReadFile("/proc/self/statm")
	fmt.Sscan(string(text), new(int), &pages)
	return pages
}

func main() {
	runtime.GOMAXPROCS(1) // A byte and its answer stay on one thread.
	parsers, before, start := make([]parser, live), resident(), time.Now()
	for i := range parsers {
		parsers[i] = parser{make(chan byte), make(chan bool)}
		go parsers[i].run()
		parsers[i].feed('"')
	}
	create, bytes := time.Since(start)/live, (resident()-before)*os.Getpagesize()/live
	start = time.Now() // Each goroutine has long left the cache when its next byte comes.
	for i := 0; i < turns*live; i++ {
		parsers[i%live].feed('a')
	}
	feed := float64(time.Since(start).Nanoseconds()) / (turns * live)
	fmt.Printf("peer-goroutine-%s,%d,%d,%d,%.1f\n", runtime.Version(), live, bytes, create, feed)
}
