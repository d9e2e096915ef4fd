/**
 * All options of `launch`, with the spellings of both eras of Weave Net.
 *
 * @module
 */

/** One option. */
export interface LaunchOption {
  /** Name without dashes. */
  readonly name: string;
  /** What its value is called in the help; without it the option is a flag, which also takes `=true` and `=false`. */
  readonly value?: string;
  /** One line for the help; without it the help does not show the option. */
  readonly summary?: string;
  /** Variables that give the value if the option is not there, the first that is set. */
  readonly env?: readonly string[];
  /** Older spellings without dashes. */
  readonly aliases?: readonly string[];
  /** Why another value than those of `harmless` is refused; without it the option does something. */
  readonly refused?: string;
  /** Values that change nothing, so that they are accepted although the option is refused. */
  readonly harmless?: readonly string[];
}

const NOT_YET = "is not in this version";
const GONE = "belongs to a service of Weave Net's vendor that is gone";

/** The options that do something. */
const OWN: readonly LaunchOption[] = [
  {
    name: "password",
    value: "P",
    summary: "encrypt and authenticate with this password; --password-file hides it better",
    env: ["WEFT_PASSWORD", "WEAVE_PASSWORD"],
  },
  {
    name: "password-file",
    value: "FILE",
    summary: "passwords, one a line: dial with the first, accept any",
    aliases: ["passwordfile"],
  },
  {
    name: "trusted-subnets",
    value: "CIDR,...",
    summary: "do not encrypt data between peers in these networks",
  },
  { name: "host", value: "IP", summary: "address to listen on and connect from (all)" },
  {
    name: "port",
    value: "N",
    summary: "TCP control and UDP data (6783)",
    env: ["WEFT_PORT", "WEAVE_PORT"],
  },
  { name: "name", value: "MAC", summary: "peer name (random, made once, stored)" },
  { name: "nickname", value: "TEXT", summary: "shown beside the name (the host name)" },
  {
    name: "no-discovery",
    summary: "connect to the given peers only",
    aliases: ["nodiscovery"],
  },
  {
    name: "conn-limit",
    value: "N",
    summary: "most connections, 0 for no limit (200)",
    aliases: ["connlimit"],
  },
  {
    name: "mtu",
    value: "BYTES",
    summary: "MTU of bridge and containers (1376, or the bridge's)",
    env: ["WEFT_MTU", "WEAVE_MTU"],
  },
  {
    name: "bridge",
    value: "NAME",
    summary: 'bridge to use ("weave" if there is one, else "weft")',
    env: ["WEFT_BRIDGE"],
    aliases: ["weave-bridge"],
  },
  {
    name: "overlay",
    value: "NAME",
    summary: "sleeve: use it alone (shuttle, and sleeve to peers that do not have it)",
  },
  {
    name: "priority",
    value: "CLASS",
    summary: "of the data plane: realtime, nice or normal (realtime, or the next that is granted)",
    env: ["WEFT_PRIORITY"],
  },
  {
    name: "spin",
    value: "MICROSECONDS",
    summary: "look so long for a frame that is likely to come, before the data plane sleeps (200)",
  },
  {
    name: "no-rehearsal",
    summary: "let the CPU's caches forget the way between frames: saves up to 3 % of a CPU",
  },
  {
    name: "ipalloc-range",
    value: "CIDR",
    summary: "addresses to give out, the same on all hosts (10.32.0.0/12); empty: none",
    env: ["WEFT_IPALLOC_RANGE"],
    aliases: ["iprange"],
  },
  {
    name: "ipalloc-default-subnet",
    value: "CIDR",
    summary: "where an address comes from if none is asked for (the range)",
    env: ["WEFT_IPALLOC_DEFAULT_SUBNET"],
    aliases: ["ipsubnet"],
  },
  {
    name: "ipalloc-init",
    value: "MODE",
    summary:
      "who shares the range out first: consensus=N, seed=NAME,... or observer (asks its peers)",
    env: ["WEFT_IPALLOC_INIT"],
  },
  {
    name: "init-peer-count",
    value: "N",
    summary: "the same as --ipalloc-init consensus=N",
    aliases: ["initpeercount"],
  },
  { name: "no-dns", summary: "no name service", env: ["WEFT_NO_DNS"] },
  {
    name: "dns-domain",
    value: "DOMAIN",
    summary: "domain of containers' names, the same on all hosts (weave.local.)",
    env: ["WEFT_DNS_DOMAIN"],
  },
  {
    name: "dns-listen-address",
    value: "IP:PORT",
    summary: "where names are answered (docker0's address, else exposed ones; port 53)",
    env: ["WEFT_DNS_LISTEN_ADDRESS"],
  },
  { name: "dns-ttl", value: "SECONDS", summary: "how long answers may be kept (1)" },
  {
    name: "dns-fallback-timeout",
    value: "TIME",
    summary: "patience with a name server of the host: 5s, 500ms (5s)",
  },
  {
    name: "dns-upstream",
    value: "IP,...",
    summary: "name servers for all other names (those of the host's resolv.conf)",
    env: ["WEFT_DNS_UPSTREAM"],
  },
  {
    name: "resolv-conf",
    value: "FILE",
    summary: "where the host's name servers are read (/etc/resolv.conf)",
    env: ["WEFT_RESOLV_CONF"],
  },
  {
    name: "docker-bridge",
    value: "NAME",
    summary: "Docker's bridge, whose address names are answered at (docker0)",
    env: ["DOCKER_BRIDGE"],
  },
  { name: "resume", summary: "connect to the stored peers" },
  { name: "no-restart", summary: "accepted; supervision is systemd's" },
  {
    name: "status-addr",
    value: "IP:PORT",
    summary: "status and metrics, read only (127.0.0.1:6782); empty: none",
    env: ["WEFT_STATUS_ADDR", "WEAVE_STATUS_ADDR"],
  },
  {
    name: "http-addr",
    value: "IP:PORT",
    summary: "Weave Net's calls, without a password; its own were at 127.0.0.1:6784 (none)",
    env: ["WEFT_HTTP_ADDR", "WEAVE_HTTP_ADDR"],
  },
  {
    name: "log-level",
    value: "LEVEL",
    summary: "debug, info, warning or error (info)",
    env: ["WEFT_LOG_LEVEL"],
  },
  { name: "debug", aliases: [] },
  { name: "foreground", summary: "stay, and log to standard error: for a supervisor" },
  {
    name: "runtime-dir",
    value: "DIR",
    summary: "socket, process id and log (/run/weft); WEFT_RUNTIME_DIR for all commands",
  },
  {
    name: "state-dir",
    value: "DIR",
    summary: "what survives (/var/lib/weft); WEFT_STATE_DIR for all commands",
  },
  {
    name: "no-libsodium",
    summary: "use the portable cipher, ten times slower",
    env: ["WEFT_NO_LIBSODIUM"],
  },
  // Given by `launch` to the router that it puts into the background.
  { name: "detached" },
];

/** Options that change nothing here, since what they switch off is not there. */
const ACCEPTED: readonly LaunchOption[] = [
  { name: "without-dns", refused: NOT_YET, harmless: ["true"] },
  { name: "with-dns", refused: NOT_YET, harmless: ["true"] },
  { name: "proxy", refused: NOT_YET, harmless: ["false"] },
  { name: "plugin", refused: NOT_YET, harmless: ["false"] },
  {
    name: "no-default-ipalloc",
    refused: NOT_YET,
    harmless: ["true"],
    aliases: ["no-default-ipam"],
  },
  { name: "no-rewrite-hosts", refused: NOT_YET, harmless: ["true"] },
  { name: "no-multicast-route", refused: NOT_YET, harmless: ["true"] },
  { name: "no-masq-local", refused: NOT_YET, harmless: ["true"] },
  { name: "no-detect-tls", refused: NOT_YET, harmless: ["true"] },
  { name: "rewrite-inspect", refused: NOT_YET, harmless: ["false"] },
  { name: "expect-npc", refused: NOT_YET, harmless: ["false"] },
  { name: "pkt-debug", refused: NOT_YET, harmless: ["false"], aliases: ["pktdebug"] },
  { name: "awsvpc", refused: "is not supported: frames travel on overlays", harmless: ["false"] },
  { name: "metrics-addr", value: "A", refused: NOT_YET, harmless: [""] },
  { name: "min-protocol-version", value: "N", refused: "must be 2", harmless: ["1", "2"] },
];

/** Options that would mislead if they were ignored. */
const REFUSED: readonly LaunchOption[] = [
  ...[
    ["H"],
    ["hostname-from-label"],
    ["hostname-match"],
    ["hostname-replacement"],
    ["tlscacert"],
    ["tlscert"],
    ["tlskey"],
    ["docker-api"],
    ["profile"],
  ].map(([name = "", ...aliases]) => ({ name, value: "V", aliases, refused: NOT_YET })),
  ...["tls", "tlsverify"].map((name) => ({ name, refused: NOT_YET })),
  ...["token", "peer-discovery-url", "advertise-address"].map((name) => ({
    name,
    value: "V",
    refused: GONE,
  })),
  { name: "db-prefix", value: "P", refused: `${NOT_YET}: use --state-dir` },
  { name: "bufsz", value: "N", refused: "is not needed: the buffers have a fixed size" },
];

/** All options, those of the help first. */
export const OPTIONS: readonly LaunchOption[] = [...OWN, ...ACCEPTED, ...REFUSED];
