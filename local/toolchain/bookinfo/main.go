// Command bookinfo stands in for the six images of Istio's Bookinfo sample where no image registry answers.
//
// Called as "bookinfo productpage|details|reviews|ratings", it serves the paths of that service on port 9080, calls the
// services that the original calls, and forwards the headers that the original forwards. Like the originals it makes no
// spans: the sidecars do, and the forwarded headers are what joins them into one trace. Unlike them it can be told, by the
// variable DROP_TRACE_CONTEXT, to forget these headers on a share of its calls, as many applications do.
package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	address = ":9080"

	// productpage waits this long for each call, as the original does.
	productpageTimeout = 3 * time.Second
	// The black-starred reviews are patient with ratings and the red-starred ones are not: Istio's fault-injection
	// task depends on the difference.
	patientTimeout   = 10 * time.Second
	impatientTimeout = 2500 * time.Millisecond

	// Longer than any one call, shorter than Kubernetes' default grace period of 30 s.
	shutdownTimeout = 15 * time.Second

	maxBody = 1 << 20
)

// traceContext names the request headers that every service hands on so that one request makes one trace: those of the
// tracers that Istio supports. The single "b3" header is not among them, nor is it in the originals.
var traceContext = []string{
	"x-request-id",
	"x-ot-span-context",
	"x-datadog-trace-id",
	"x-datadog-parent-id",
	"x-datadog-sampling-priority",
	"traceparent",
	"tracestate",
	"x-cloud-trace-context",
	"grpc-trace-bin",
	"x-b3-traceid",
	"x-b3-spanid",
	"x-b3-parentspanid",
	"x-b3-sampled",
	"x-b3-flags",
	"sw8",
}

// identity names the headers that every service hands on because they say who asks.
var identity = []string{"user-agent", "cookie", "authorization", "jwt"}

// endUser is handed on by the services behind productpage; productpage itself sets it from the login session.
const endUser = "end-user"

// settings are the environment variables that the originals read; the empty value stands for an absent one.
type settings func(name string) string

func (s settings) or(name, fallback string) string {
	if value := s(name); value != "" {
		return value
	}
	return fallback
}

// upstream returns the base URL of another Bookinfo service. Kubernetes sets <SERVICE>_SERVICE_PORT in pods.
func (s settings) upstream(service string) string {
	prefix := strings.ToUpper(service)
	host := s.or(prefix+"_HOSTNAME", service)
	if domain := s("SERVICES_DOMAIN"); domain != "" {
		host += "." + domain
	}
	return "http://" + net.JoinHostPort(host, s.or(prefix+"_SERVICE_PORT", "9080"))
}

// droppedShare is the percentage of the calls of one service that are made without the trace context.
type droppedShare struct {
	percent int
	mutex   sync.Mutex
	calls   int
}

// next tells whether the next call is made without it; these calls are spread evenly over all.
func (d *droppedShare) next() bool {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	before := d.calls * d.percent / 100
	d.calls++
	return d.calls*d.percent/100 > before
}

// forgetfulness has, by the name of the service that is called, the share of calls without the trace context; that of
// the empty name is for all others.
type forgetfulness map[string]*droppedShare

// newForgetfulness reads DROP_TRACE_CONTEXT: percentages, separated by commas, each of them for the calls of one service
// or for all, as in "100" or "details=100,reviews=10".
func newForgetfulness(env settings) (forgetfulness, error) {
	found := forgetfulness{}
	text := env("DROP_TRACE_CONTEXT")
	if text == "" {
		return found, nil
	}
	for _, entry := range strings.Split(text, ",") {
		service, share, named := strings.Cut(entry, "=")
		if !named {
			service, share = "", entry
		}
		percent, err := strconv.Atoi(share)
		if err != nil || percent < 0 || percent > 100 {
			return nil, fmt.Errorf("DROP_TRACE_CONTEXT has %q where a percentage is needed", entry)
		}
		found[service] = &droppedShare{percent: percent}
	}
	return found, nil
}

// forgets tells whether the next call of service is made without the trace context.
func (f forgetfulness) forgets(service string) bool {
	share, ok := f[service]
	if !ok {
		share, ok = f[""]
	}
	return ok && share.next()
}

// newClient returns a client that adds no header of its own and opens a connection per call, so that calls spread over
// the versions of a service even without a sidecar.
func newClient() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true}}
}

// headersToForward picks from incoming what belongs on a call of service.
func (f forgetfulness) headersToForward(service string, incoming http.Header, extra ...string) http.Header {
	outgoing := http.Header{}
	names := append(extra, identity...)
	if !f.forgets(service) {
		names = append(names, traceContext...)
	}
	for _, name := range names {
		if values := incoming.Values(name); len(values) > 0 {
			outgoing[http.CanonicalHeaderKey(name)] = values
		}
	}
	if outgoing.Get("User-Agent") == "" {
		outgoing["User-Agent"] = []string{""} // keeps Go from adding its own
	}
	return outgoing
}

// fetch reads the JSON that url serves. The status is the service's own, or 500 when it gave no answer in time.
func fetch(ctx context.Context, client *http.Client, timeout time.Duration, url string, headers http.Header) (any, int, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, http.StatusInternalServerError, err
	}
	request.Header = headers.Clone()
	response, err := client.Do(request)
	if err != nil {
		return nil, http.StatusInternalServerError, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, response.StatusCode, fmt.Errorf("%s answered %s", url, response.Status)
	}
	var body any
	if err := json.NewDecoder(io.LimitReader(response.Body, maxBody)).Decode(&body); err != nil {
		return nil, http.StatusInternalServerError, fmt.Errorf("%s did not answer with JSON: %w", url, err)
	}
	return body, http.StatusOK, nil
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		log.Printf("writing an answer: %v", err)
	}
}

func healthy(service string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"status": service + " is healthy"})
	}
}

// details

func newDetails() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", healthy("Details"))
	mux.HandleFunc("GET /details/{id}", func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.Atoi(r.PathValue("id"))
		if err != nil {
			writeJSON(w, http.StatusBadRequest, map[string]string{"error": "the product id must be a number"})
			return
		}
		writeJSON(w, http.StatusOK, map[string]any{
			"id": id, "author": "William Shakespeare", "year": 1595, "type": "paperback", "pages": 200,
			"publisher": "PublisherA", "language": "English", "ISBN-10": "1234567890", "ISBN-13": "123-1234567890",
		})
	})
	return mux
}

// ratings

// ratingsStore holds what was POSTed, by product id, for as long as the process lives.
type ratingsStore struct {
	mutex sync.Mutex
	added map[int]any
}

func (s *ratingsStore) get(id int) any {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if ratings, ok := s.added[id]; ok {
		return ratings
	}
	return map[string]int{"Reviewer1": 5, "Reviewer2": 4}
}

func (s *ratingsStore) put(id int, ratings any) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.added[id] = ratings
}

func newRatings() http.Handler {
	store := &ratingsStore{added: map[int]any{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", healthy("Ratings"))
	serve := func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.Atoi(r.PathValue("id"))
		if err != nil {
			writeJSON(w, http.StatusBadRequest, map[string]string{"error": "the product id must be a number"})
			return
		}
		if r.Method == http.MethodPost {
			var ratings any
			if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&ratings); err != nil {
				writeJSON(w, http.StatusBadRequest, map[string]string{"error": "the ratings must be JSON"})
				return
			}
			store.put(id, ratings)
		}
		writeJSON(w, http.StatusOK, map[string]any{"id": id, "ratings": store.get(id)})
	}
	mux.HandleFunc("GET /ratings/{id}", serve)
	mux.HandleFunc("POST /ratings/{id}", serve)
	return mux
}

// reviews

type reviews struct {
	client      *http.Client
	forgetful   forgetfulness
	ratingsURL  string
	withRatings bool
	color       string
	timeout     time.Duration
	pod         string
	cluster     string
}

func newReviews(env settings, forgetful forgetfulness) http.Handler {
	color := env.or("STAR_COLOR", "black")
	timeout := impatientTimeout
	if color == "black" {
		timeout = patientTimeout
	}
	service := &reviews{
		client:      newClient(),
		forgetful:   forgetful,
		ratingsURL:  env.upstream("ratings"),
		withRatings: strings.EqualFold(env("ENABLE_RATINGS"), "true"),
		color:       color,
		timeout:     timeout,
		pod:         env("HOSTNAME"),
		cluster:     env.or("CLUSTER_NAME", "null"),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", healthy("Reviews"))
	mux.HandleFunc("GET /reviews/{id}", service.serve)
	return mux
}

func (s *reviews) serve(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	texts := []struct{ reviewer, text string }{
		{"Reviewer1", "Two pairs of twins, one town, and not a dull scene."},
		{"Reviewer2", "Great fun on stage, though nobody will call it deep."},
	}
	var stars map[string]any
	if s.withRatings {
		stars = s.stars(r, id)
	}
	entries := make([]map[string]any, 0, len(texts))
	for _, entry := range texts {
		review := map[string]any{"reviewer": entry.reviewer, "text": entry.text}
		if s.withRatings {
			review["rating"] = s.rating(stars[entry.reviewer])
		}
		entries = append(entries, review)
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"id": strconv.Itoa(id), "podname": s.pod, "clustername": s.cluster, "reviews": entries,
	})
}

// stars asks ratings for the stars by reviewer; the map is empty when ratings did not give them.
func (s *reviews) stars(r *http.Request, id int) map[string]any {
	url := fmt.Sprintf("%s/ratings/%d", s.ratingsURL, id)
	body, _, err := fetch(r.Context(), s.client, s.timeout, url, s.forgetful.headersToForward("ratings", r.Header, endUser))
	if err != nil {
		log.Printf("asking ratings: %v", err)
		return nil
	}
	answer, _ := body.(map[string]any)
	stars, _ := answer["ratings"].(map[string]any)
	return stars
}

func (s *reviews) rating(stars any) map[string]any {
	if number, ok := stars.(float64); ok {
		return map[string]any{"stars": int(number), "color": s.color}
	}
	return map[string]any{"error": "Ratings service is currently unavailable"}
}

// productpage

type productpage struct {
	client                           *http.Client
	forgetful                        forgetfulness
	detailsURL, reviewsURL, ratedURL string
}

const sessionCookie = "session"

type product struct {
	ID              int           `json:"id"`
	Title           string        `json:"title"`
	DescriptionHTML template.HTML `json:"descriptionHtml"`
}

var products = []product{{
	Title: "The Comedy of Errors",
	DescriptionHTML: `<a href="https://en.wikipedia.org/wiki/The_Comedy_of_Errors">Wikipedia Summary</a>: ` +
		`one of William Shakespeare's earliest and shortest plays.`,
}}

// page keeps the title of the original: scripts look for it to see whether Bookinfo answers.
var page = template.Must(template.New("productpage").Parse(`<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Simple Bookstore App</title></head>
<body>
{{with .User}}<p>{{.}} (<a href="/logout">sign out</a>)</p>
{{else}}<form method="post" action="/login"><input name="username" placeholder="user name"> <button>Sign in</button></form>
{{end}}<h1>{{.Product.Title}}</h1>
<p>{{.Product.DescriptionHTML}}</p>
<h2>Book Details</h2>
{{with .Details.error}}<p>Error fetching product details!</p><p>{{.}}</p>
{{else}}<dl>{{range $name, $value := .Details}}<dt>{{$name}}</dt><dd>{{$value}}</dd>{{end}}</dl>
{{end}}<h2>Book Reviews</h2>
{{with .Reviews.error}}<p>Error fetching product reviews!</p><p>{{.}}</p>
{{else}}{{range .Reviews.reviews}}<blockquote><p>{{.text}}</p><p>{{.reviewer}}{{with .rating}}, {{with .error}}{{.}}{{else}}<span style="color:{{.color}}">{{.stars}} stars</span>{{end}}{{end}}</p></blockquote>
{{end}}<p>Reviews served by: {{.Reviews.podname}}</p>
{{end}}</body>
</html>
`))

const index = `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Simple Bookstore App</title></head>
<body><h1>Bookinfo</h1>
<p>productpage calls details and reviews; reviews v2 and v3 call ratings.</p>
<p><a href="/productpage?u=normal">Normal user</a> <a href="/productpage?u=test">Test user</a></p></body>
</html>
`

func newProductpage(env settings, forgetful forgetfulness) http.Handler {
	service := &productpage{
		client:     newClient(),
		forgetful:  forgetful,
		detailsURL: env.upstream("details"),
		reviewsURL: env.upstream("reviews"),
		ratedURL:   env.upstream("ratings"),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", service.index)
	mux.HandleFunc("GET /index.html", service.index)
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "Product page is healthy")
	})
	mux.HandleFunc("POST /login", service.login)
	mux.HandleFunc("GET /logout", service.logout)
	mux.HandleFunc("GET /productpage", service.front)
	mux.HandleFunc("GET /api/v1/products", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, products)
	})
	mux.HandleFunc("GET /api/v1/products/{id}", service.api(service.details))
	mux.HandleFunc("GET /api/v1/products/{id}/reviews", service.api(service.reviews))
	mux.HandleFunc("GET /api/v1/products/{id}/ratings", service.api(service.ratings))
	return mux
}

func (s *productpage) index(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprint(w, index)
}

func (s *productpage) front(w http.ResponseWriter, r *http.Request) {
	details, _ := s.details(r, "0")
	reviews, _ := s.reviews(r, "0")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	err := page.Execute(w, map[string]any{
		"User": userOf(r), "Product": products[0], "Details": details, "Reviews": reviews,
	})
	if err != nil {
		log.Printf("writing the page: %v", err)
	}
}

func (s *productpage) login(w http.ResponseWriter, r *http.Request) {
	value := base64.RawURLEncoding.EncodeToString([]byte(r.FormValue("username")))
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, cameFrom(r), http.StatusFound)
}

func (s *productpage) logout(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, cameFrom(r), http.StatusFound)
}

// cameFrom returns the path of the page that the request came from; never another site.
func cameFrom(r *http.Request) string {
	from, err := url.Parse(r.Referer())
	if err != nil || !strings.HasPrefix(from.Path, "/") || strings.HasPrefix(from.Path, "//") {
		return "/productpage"
	}
	return (&url.URL{Path: from.Path, RawQuery: from.RawQuery}).String()
}

func userOf(r *http.Request) string {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return ""
	}
	name, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	if err != nil || strings.ContainsAny(string(name), "\r\n\x00") {
		return ""
	}
	return string(name)
}

type lookup func(r *http.Request, id string) (map[string]any, int)

func (s *productpage) api(find lookup) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, status := find(r, r.PathValue("id"))
		writeJSON(w, status, body)
	}
}

func (s *productpage) details(r *http.Request, id string) (map[string]any, int) {
	return s.find(r, s.detailsURL+"/details/"+url.PathEscape(id), "details")
}

// reviews asks twice, as the original does: the fault-injection task is about the time that takes.
func (s *productpage) reviews(r *http.Request, id string) (map[string]any, int) {
	where := s.reviewsURL + "/reviews/" + url.PathEscape(id)
	body, status := s.find(r, where, "reviews")
	if status != http.StatusOK {
		body, status = s.find(r, where, "reviews")
	}
	return body, status
}

func (s *productpage) ratings(r *http.Request, id string) (map[string]any, int) {
	return s.find(r, s.ratedURL+"/ratings/"+url.PathEscape(id), "ratings")
}

func (s *productpage) find(r *http.Request, where, what string) (map[string]any, int) {
	headers := s.forgetful.headersToForward(what, r.Header)
	if user := userOf(r); user != "" {
		headers.Set(endUser, user)
	}
	body, status, err := fetch(r.Context(), s.client, productpageTimeout, where, headers)
	answer, ok := body.(map[string]any)
	if err == nil && ok {
		return answer, http.StatusOK
	}
	log.Printf("asking %s: %v", what, err)
	if status == http.StatusOK {
		status = http.StatusInternalServerError
	}
	return map[string]any{"error": fmt.Sprintf("Sorry, product %s are currently unavailable for this book.", what)}, status
}

// newHandler returns the service of that name.
func newHandler(service string, env settings) (http.Handler, error) {
	forgetful, err := newForgetfulness(env)
	if err != nil {
		return nil, err
	}
	makers := map[string]func() http.Handler{
		"productpage": func() http.Handler { return newProductpage(env, forgetful) },
		"details":     newDetails,
		"reviews":     func() http.Handler { return newReviews(env, forgetful) },
		"ratings":     newRatings,
	}
	if makeHandler, ok := makers[service]; ok {
		return makeHandler(), nil
	}
	return nil, fmt.Errorf("there is no service %q: name one of %v", service, slices.Sorted(maps.Keys(makers)))
}

// serve answers on listener until the context ends, then lets the requests under way finish.
func serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	return server.Shutdown(ending)
}

func run(arguments []string) error {
	if len(arguments) != 1 {
		return errors.New("usage: bookinfo productpage|details|reviews|ratings")
	}
	handler, err := newHandler(arguments[0], os.Getenv)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	log.Printf("%s listens on %s", arguments[0], address)
	return serve(ctx, listener, handler)
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}
