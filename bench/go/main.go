// The yardstick that most teams would write first: the payments API in Go (net/http, pgx pool) over the PostgreSQL of ../postgres. It reads
// the same request body, checks what must be checked, makes one prepared call and answers with the payment as JSON.
//
// usage: go run . CONNINFO PORT
package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

type request struct {
	Amount     int64           `json:"amount"`
	Currency   string          `json:"currency"`
	Merchant   string          `json:"merchant"`
	Payer      string          `json:"payer"`
	Reference  string          `json:"reference"`
	Instrument json.RawMessage `json:"instrument"`
}

type payment struct {
	ID        string    `json:"id"`
	Object    string    `json:"object"`
	Status    string    `json:"status"`
	Amount    int64     `json:"amount"`
	Currency  string    `json:"currency"`
	Merchant  string    `json:"merchant"`
	Payer     string    `json:"payer"`
	Reference string    `json:"reference"`
	Captured  int64     `json:"captured"`
	Created   time.Time `json:"created"`
}

func main() {
	config, err := pgxpool.ParseConfig(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	config.MaxConns = 64
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("/v1/payments", func(w http.ResponseWriter, r *http.Request) {
		key := r.Header.Get("Idempotency-Key")
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
		var p request
		decoder := json.NewDecoder(strings.NewReader(string(body)))
		decoder.DisallowUnknownFields()
		if err != nil || key == "" || !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ") ||
			decoder.Decode(&p) != nil || p.Amount <= 0 || len(p.Currency) != 3 {
			http.Error(w, `{"error":{"code":"parameter_invalid"}}`, http.StatusBadRequest)
			return
		}
		fingerprint := fnv.New64a()
		fingerprint.Write(body)
		var random [16]byte
		rand.Read(random[:])
		id := "pay_" + hex.EncodeToString(random[:])
		var status string
		err = pool.QueryRow(r.Context(), "SELECT payment_create($1,$2,$3,$4,$5,$6,$7,$8,$9)", key, int64(fingerprint.Sum64()), id,
			p.Amount, p.Currency, p.Merchant, p.Payer, p.Reference, p.Instrument).Scan(&status)
		if err != nil {
			http.Error(w, `{"error":{"code":"internal"}}`, http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		if status != "captured" {
			w.WriteHeader(http.StatusPaymentRequired)
		} else {
			w.WriteHeader(http.StatusCreated)
		}
		json.NewEncoder(w).Encode(payment{id, "payment", status, p.Amount, p.Currency, p.Merchant, p.Payer, p.Reference, p.Amount, time.Now()})
	})
	// The load generator funds wallets first; here they are funded by the schema.
	http.HandleFunc("/v1/transfers", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusCreated) })
	fmt.Println("ready")
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Args[2], nil))
}
