package main

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// recorder is a service that remembers the requests it got.
type recorder struct {
	*httptest.Server
	mutex    sync.Mutex
	requests []*http.Request
}

func record(t *testing.T, status int, body string) *recorder {
	t.Helper()
	r := &recorder{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		r.mutex.Lock()
		r.requests = append(r.requests, request)
		r.mutex.Unlock()
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *recorder) seen() []*http.Request {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.requests
}

// pointing returns the environment that sends calls for service to server.
func pointing(t *testing.T, services map[string]*recorder, others map[string]string) settings {
	t.Helper()
	environment := map[string]string{}
	for service, server := range services {
		where, err := url.Parse(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		environment[strings.ToUpper(service)+"_HOSTNAME"] = where.Hostname()
		environment[strings.ToUpper(service)+"_SERVICE_PORT"] = where.Port()
	}
	for name, value := range others {
		environment[name] = value
	}
	return func(name string) string { return environment[name] }
}

func get(t *testing.T, handler http.Handler, path string, headers http.Header) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequest(http.MethodGet, path, nil)
	request.Header = headers.Clone()
	if request.Header == nil {
		request.Header = http.Header{}
	}
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, request)
	return answer
}

func handlerOf(t *testing.T, service string, env settings) http.Handler {
	t.Helper()
	handler, err := newHandler(service, env)
	if err != nil {
		t.Fatal(err)
	}
	return handler
}

const oneRating = `{"id": 0, "ratings": {"Reviewer1": 3, "Reviewer2": 1}}`

func TestReviewsForwardsTheTraceHeadersAndNothingElse(t *testing.T) {
	ratings := record(t, http.StatusOK, oneRating)
	env := pointing(t, map[string]*recorder{"ratings": ratings}, map[string]string{"ENABLE_RATINGS": "true"})
	incoming := http.Header{}
	for _, name := range slices.Concat([]string{endUser}, identity, traceContext) {
		incoming.Set(name, "value of "+name)
	}
	incoming.Set("b3", "single")
	incoming.Set("x-forwarded-for", "192.0.2.1")
	incoming.Set("accept-language", "en")

	get(t, handlerOf(t, "reviews", env), "/reviews/0", incoming)

	incoming.Del("b3")
	incoming.Del("x-forwarded-for")
	incoming.Del("accept-language")
	got := ratings.seen()[0].Header.Clone()
	got.Del("Connection") // of this hop only
	if len(got) != len(incoming) {
		t.Errorf("ratings got %v", got)
	}
	for name := range incoming {
		if got.Get(name) != incoming.Get(name) {
			t.Errorf("%s arrived as %q", name, got.Get(name))
		}
	}
}

func TestARequestWithoutTraceHeadersGetsNone(t *testing.T) {
	details, reviews := record(t, http.StatusOK, `{}`), record(t, http.StatusOK, `{}`)
	env := pointing(t, map[string]*recorder{"details": details, "reviews": reviews}, nil)

	get(t, handlerOf(t, "productpage", env), "/productpage", nil)

	got := details.seen()[0].Header.Clone()
	got.Del("Connection")
	if len(got) != 0 {
		t.Errorf("details got %v", got)
	}
}

// withContext counts the calls that arrived with a traceparent.
func withContext(r *recorder) (calls int) {
	for _, request := range r.seen() {
		if request.Header.Get("traceparent") != "" {
			calls++
		}
	}
	return calls
}

func TestTheTraceContextIsForgottenOnTheShareOfCallsThatIsAskedFor(t *testing.T) {
	for drop, want := range map[string][2]int{
		"":                      {20, 20},
		"100":                   {0, 0},
		"details=100":           {0, 20},
		"reviews=10":            {20, 18},
		"50,reviews=0":          {10, 20},
		"details=5,reviews=100": {19, 0},
	} {
		details, reviews := record(t, http.StatusOK, `{}`), record(t, http.StatusOK, `{}`)
		env := pointing(t, map[string]*recorder{"details": details, "reviews": reviews},
			map[string]string{"DROP_TRACE_CONTEXT": drop})
		handler := handlerOf(t, "productpage", env)
		for range 20 {
			get(t, handler, "/productpage", http.Header{"Traceparent": {"00-1-2-01"}})
		}
		if got := [2]int{withContext(details), withContext(reviews)}; got != want {
			t.Errorf("%q: %v calls of 20 with the trace context, not %v", drop, got, want)
		}
	}
}

func TestWhoAsksIsHandedOnWithoutTheTraceContextToo(t *testing.T) {
	ratings := record(t, http.StatusOK, oneRating)
	env := pointing(t, map[string]*recorder{"ratings": ratings},
		map[string]string{"ENABLE_RATINGS": "true", "DROP_TRACE_CONTEXT": "100"})
	incoming := http.Header{"End-User": {"jason"}, "X-Request-Id": {"1"}, "Cookie": {"a=b"}}

	get(t, handlerOf(t, "reviews", env), "/reviews/0", incoming)

	got := ratings.seen()[0].Header
	if got.Get(endUser) != "jason" || got.Get("Cookie") != "a=b" || got.Get("X-Request-Id") != "" {
		t.Errorf("ratings got %v", got)
	}
}

func TestAShareThatIsNoPercentageIsRefused(t *testing.T) {
	for _, drop := range []string{"all", "101", "-1", "details=", "details=10,"} {
		env := func(name string) string { return map[string]string{"DROP_TRACE_CONTEXT": drop}[name] }
		if _, err := newHandler("productpage", env); err == nil {
			t.Errorf("%q is taken", drop)
		}
	}
}

func TestReviewsV1NeverCallsRatings(t *testing.T) {
	ratings := record(t, http.StatusOK, oneRating)
	env := pointing(t, map[string]*recorder{"ratings": ratings}, nil)

	answer := get(t, handlerOf(t, "reviews", env), "/reviews/0", nil)

	if calls := len(ratings.seen()); calls != 0 || strings.Contains(answer.Body.String(), "rating") {
		t.Errorf("%d calls, answer %s", calls, answer.Body)
	}
}

func TestReviewsV3ShowsTheStarsOfRatingsInRed(t *testing.T) {
	ratings := record(t, http.StatusOK, oneRating)
	env := pointing(t, map[string]*recorder{"ratings": ratings},
		map[string]string{"ENABLE_RATINGS": "true", "STAR_COLOR": "red"})

	answer := get(t, handlerOf(t, "reviews", env), "/reviews/7", nil)

	var body struct {
		Reviews []struct {
			Rating struct {
				Stars int
				Color string
			}
		}
	}
	if err := json.Unmarshal(answer.Body.Bytes(), &body); err != nil {
		t.Fatal(err)
	}
	if path := ratings.seen()[0].URL.Path; path != "/ratings/7" {
		t.Errorf("asked for %s", path)
	}
	if first := body.Reviews[0].Rating; first.Stars != 3 || first.Color != "red" {
		t.Errorf("got %+v", first)
	}
}

func TestReviewsSaysSoWhenRatingsFails(t *testing.T) {
	ratings := record(t, http.StatusServiceUnavailable, "")
	env := pointing(t, map[string]*recorder{"ratings": ratings}, map[string]string{"ENABLE_RATINGS": "true"})

	answer := get(t, handlerOf(t, "reviews", env), "/reviews/0", nil)

	if answer.Code != http.StatusOK || !strings.Contains(answer.Body.String(), "Ratings service is currently unavailable") {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
}

func TestTheProductPageShowsDetailsAndReviews(t *testing.T) {
	details := record(t, http.StatusOK, `{"author": "William Shakespeare"}`)
	reviews := record(t, http.StatusOK, `{"podname": "reviews-1", "reviews": [
		{"reviewer": "Reviewer1", "text": "<b>good</b>", "rating": {"stars": 5, "color": "red"}}]}`)
	env := pointing(t, map[string]*recorder{"details": details, "reviews": reviews}, nil)

	answer := get(t, handlerOf(t, "productpage", env), "/productpage", nil)

	for _, want := range []string{
		"<title>Simple Bookstore App</title>", "William Shakespeare", "&lt;b&gt;good", "5 stars", "reviews-1",
	} {
		if !strings.Contains(answer.Body.String(), want) {
			t.Errorf("no %q in %s", want, answer.Body)
		}
	}
}

func TestAFailingUpstreamShowsTheSorryText(t *testing.T) {
	details := record(t, http.StatusInternalServerError, "")
	reviews := record(t, http.StatusServiceUnavailable, "")
	env := pointing(t, map[string]*recorder{"details": details, "reviews": reviews}, nil)
	handler := handlerOf(t, "productpage", env)

	answer := get(t, handler, "/productpage", nil)

	for _, what := range []string{"details", "reviews"} {
		if want := "Sorry, product " + what + " are currently unavailable"; !strings.Contains(answer.Body.String(), want) {
			t.Errorf("no %q in %s", want, answer.Body)
		}
	}
	if answer = get(t, handler, "/api/v1/products/0/reviews", nil); answer.Code != http.StatusServiceUnavailable {
		t.Errorf("the API answered %d", answer.Code)
	}
}

func TestTheSignedInUserIsTheEndUserOfEveryCall(t *testing.T) {
	details := record(t, http.StatusOK, `{}`)
	env := pointing(t, map[string]*recorder{"details": details}, nil)
	handler := handlerOf(t, "productpage", env)
	login := httptest.NewRequest(http.MethodPost, "/login", strings.NewReader("username=jason"))
	login.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	login.Header.Set("Referer", "http://elsewhere.example/productpage?u=test")
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, login)

	cookie, _, _ := strings.Cut(answer.Header().Get("Set-Cookie"), ";")
	get(t, handler, "/api/v1/products/0", http.Header{"Cookie": {cookie}, "End-User": {"mallory"}})

	if got := details.seen()[0].Header.Get(endUser); got != "jason" {
		t.Errorf("details got the end user %q", got)
	}
	if where := answer.Header().Get("Location"); where != "/productpage?u=test" {
		t.Errorf("went to %s", where)
	}
}

func TestRatingsRemembersWhatWasPosted(t *testing.T) {
	handler := handlerOf(t, "ratings", func(string) string { return "" })
	post := httptest.NewRequest(http.MethodPost, "/ratings/0", strings.NewReader(`{"Reviewer1": 2}`))
	handler.ServeHTTP(httptest.NewRecorder(), post)

	answer := get(t, handler, "/ratings/0", nil)

	if got := strings.TrimSpace(answer.Body.String()); got != `{"id":0,"ratings":{"Reviewer1":2}}` {
		t.Error(got)
	}
	if answer = get(t, handler, "/ratings/abc", nil); answer.Code != http.StatusBadRequest {
		t.Errorf("a word as the id gives %d", answer.Code)
	}
}

func TestUpstreamsAreNamedAsTheOriginalsNameThem(t *testing.T) {
	env := settings(func(name string) string {
		return map[string]string{"SERVICES_DOMAIN": "books.svc", "DETAILS_HOSTNAME": "other"}[name]
	})
	if got := env.upstream("details"); got != "http://other.books.svc:9080" {
		t.Error(got)
	}
	if got := env.upstream("reviews"); got != "http://reviews.books.svc:9080" {
		t.Error(got)
	}
}

func TestARequestUnderWayIsFinishedBeforeTheServerEnds(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	slow := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		end()
		time.Sleep(50 * time.Millisecond)
		_, _ = io.WriteString(w, "whole")
	})
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, listener, slow) }()

	answer, err := http.Get("http://" + listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(answer.Body)

	if err := <-ended; err != nil || string(body) != "whole" {
		t.Errorf("%v, %q", err, body)
	}
}
