#!/bin/sh
# Makes the keys and certificates of the mock in the directory $1.
#   ca.pem              what a client is told to trust
#   server.pem          signed by it, for localhost, 127.0.0.1 and ::1
#   wrong_host.pem      signed by it, for other.example
#   untrusted.pem       for the right names, signed by a CA that nobody trusts
set -e
cd "$1"
umask 077

key() {
  openssl ecparam -name prime256v1 -genkey -noout -out "$1"
}

authority() {
  openssl req -x509 -new -key "$1.key" -out "$1.pem" -days 30 -subj "/CN=ninedig mock $1" \
    -config ca.cnf -extensions ca
}

# certificate NAME AUTHORITY SUBJECT-ALT-NAMES
certificate() {
  printf 'basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\nsubjectAltName=%s\n' "$3" >"$1.ext"
  openssl req -new -key server.key -subj "/CN=$1" -config ca.cnf |
    openssl x509 -req -CA "$2.pem" -CAkey "$2.key" -set_serial "0x$(openssl rand -hex 8)" \
      -days 30 -extfile "$1.ext" -out "$1.pem" 2>/dev/null
}

cat >ca.cnf <<'END'
[req]
distinguished_name = dn
[dn]
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
END

names="DNS:localhost,IP:127.0.0.1,IP:::1"
key server.key
key ca.key
key other_ca.key
authority ca
authority other_ca
certificate server ca "$names"
certificate wrong_host ca "DNS:other.example"
certificate untrusted other_ca "$names"
rm -f ./*.ext ca.cnf ca.key other_ca.key
chmod 644 ca.pem
