#!/usr/bin/env bash
# Two hosts, as network namespaces with a cable between them: a service on
# the one, a client on the other.  After its first call the client's path
# dies, as a wrong neighbour entry takes all it sends.
#
#   two_hosts.sh time_out|killed LUA...
#
# Prints what the client says, and which connections its host has when the
# call, or the process, has ended: one with bytes that are not delivered would
# have them sent, for minutes, once the path is there again.  Then how many
# requests the service has seen.  Exits with 77 where there can be no
# namespaces.
set -u
how=$1
shift

dir=$(mktemp -d)
a=ninedig-a-$$ b=ninedig-b-$$ from=198.51.100.1 to=198.51.100.2

end() {
    exec 2>/dev/null
    [ -f "$dir/nginx.pid" ] && kill "$(cat "$dir/nginx.pid")"
    kill %% 2>/dev/null
    ip netns delete "$a"
    ip netns delete "$b"
    rm -rf "$dir"
}
trap end EXIT

{ ip netns add "$a" && ip netns add "$b"; } 2>/dev/null || exit 77
ip -netns "$a" link add cable type veth peer name cable netns "$b" || exit 77
for host in "$a $from" "$b $to"; do
    set -- ${host} "$@"
    ip -netns "$1" address add "$2/24" dev cable
    ip -netns "$1" link set cable up
    ip -netns "$1" link set lo up
    shift 2
done

openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=service \
    -addext "subjectAltName=IP:$to" -keyout "$dir/key.pem" \
    -out "$dir/cert.pem" 2>/dev/null || exit 1
cat >"$dir/nginx.conf" <<CONF
worker_processes 1;
pid $dir/nginx.pid;
error_log $dir/error.log;
events {}
http {
  access_log $dir/access.log;
  keepalive_timeout 60s;
  client_body_temp_path $dir/temp;
  proxy_temp_path $dir/temp;
  fastcgi_temp_path $dir/temp;
  uwsgi_temp_path $dir/temp;
  scgi_temp_path $dir/temp;
  server {
    listen $to:443 ssl;
    ssl_certificate $dir/cert.pem;
    ssl_certificate_key $dir/key.pem;
    location / { return 200 '{"status":"OK","reason":1}'; }
  }
}
CONF
PATH=$PATH:/usr/sbin
ip netns exec "$b" nginx -p "$dir" -c "$dir/nginx.conf" -e "$dir/error.log" || exit 1

# The connections of the client's host to the service: state and bytes that
# are not delivered.
connections() {
    ip netns exec "$a" cat /proc/net/tcp |
        awk 'NR > 1 && $3 ~ /:01BB$/ { split($5, queue, ":"); print $4, queue[1] }'
}

mkfifo "$dir/in" "$dir/out"
ip netns exec "$a" "$@" spec/life/ended.lua "https://$to/api" "$dir/cert.pem" "$how" \
    <"$dir/in" >"$dir/out" &
exec 3>"$dir/in" 4<"$dir/out"
read -r line <&4 && echo "first: $line"

ip -netns "$a" neighbour replace "$to" lladdr 02:00:00:00:00:99 dev cable nud permanent
echo >&3
if [ "$how" = killed ]; then
    until connections | grep -v ' 00000000$' >/dev/null; do sleep 0.02; done
    echo "undelivered: some"
    kill -9 %1
    wait %1 2>/dev/null
else
    read -r line <&4 && echo "second: $line"
fi
echo "connections: $(connections)"
ip -netns "$a" neighbour delete "$to" dev cable
echo "requests: $(grep -c DELETE "$dir/access.log")"
[ "$how" = killed ] || echo >&3
