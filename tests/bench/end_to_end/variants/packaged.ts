/**
 * Programs that Debian packages and that join hosts by a TAP device: fastd, tinc, n2n, OpenVPN.
 *
 * @module
 */

import { runSync } from "../../../helpers/namespace.ts";
import { programVersion } from "../programs.ts";
import { addPort, ADDRESSES, type Ends, MTU, type Site } from "../site.ts";
import type { Variant } from "./variant.ts";

const TAP = "tap0";

/** fastd without encryption and with AES. */
export const fastd: readonly Variant[] = [
  fastdWith("null", "none"),
  fastdWith("aes128-gcm", "AES-128-GCM"),
];

function fastdWith(method: string, cipher: string): Variant {
  return {
    name: `fastd-${method.replace("aes128-", "")}`,
    title: `fastd, ${method}`,
    cipher,
    layer: 2,
    hops: 0,
    needs: ["fastd"],
    version: () => programVersion("fastd", "--version"),
    open: (site) => {
      const ends = site.containers();
      const configuration = [`mode tap; method "${method}"; mtu ${MTU}; TAP in a bridge`];
      return { ends, configuration, start: () => startFastd(site, method) };
    },
  };
}

async function startFastd(site: Site, method: string): Promise<readonly string[]> {
  const keys = site.outer.map(() => {
    const { stdout } = runSync(["fastd", "--generate-key"]);
    return { secret: field(stdout, "Secret"), public: field(stdout, "Public") };
  });
  for (const [i, host] of site.outer.entries()) {
    const [other, file] = [site.outer[1 - i], `${site.directory}/fastd${i}.conf`];
    const lines = [
      `mode tap; interface "${TAP}"; mtu ${MTU}; method "${method}"; log level warn;`,
      `bind ${host.address}:10000; secret "${keys[i]?.secret}";`,
      `peer "other" { key "${keys[1 - i]?.public}"; remote ${other?.address}:10000; }`,
    ];
    Deno.writeTextFileSync(file, lines.join("\n") + "\n");
    site.daemon(host, ["fastd", "--config", file]);
    await addPort(host, TAP);
  }
  return [];
}

/** tinc as a switch, with the ciphers it has by itself. */
export const tinc: Variant = {
  name: "tinc",
  title: "tinc, switch mode",
  cipher: "AES-256-CBC, SHA-256",
  layer: 2,
  hops: 0,
  needs: ["tincd", "openssl"],
  version: () => programVersion("tincd", "--version"),
  open: (site) => {
    const ends = site.containers();
    const configuration = [
      "Mode = switch, DeviceType = tap, RSA 2048, other settings as they come",
    ];
    return { ends, configuration, start: () => startTinc(site) };
  },
};

async function startTinc(site: Site): Promise<readonly string[]> {
  const names = ["a", "b"];
  const hosts = site.outer.map((host, i) => {
    const key = `${site.directory}/${names[i]}.key`;
    runSync(["openssl", "genrsa", "-traditional", "-out", key, "2048"]);
    const { stdout } = runSync(["openssl", "rsa", "-in", key, "-RSAPublicKey_out"]);
    return `Address = ${host.address}\n${stdout}`;
  });
  for (const [i, host] of site.outer.entries()) {
    const directory = `${site.directory}/tinc${i}`;
    Deno.mkdirSync(`${directory}/hosts`, { recursive: true });
    names.forEach((name, k) =>
      Deno.writeTextFileSync(`${directory}/hosts/${name}`, hosts[k] ?? "")
    );
    Deno.renameSync(`${site.directory}/${names[i]}.key`, `${directory}/rsa_key.priv`);
    const lines = [`Name = ${names[i]}`, "Mode = switch", "DeviceType = tap", `Interface = ${TAP}`];
    if (i === 1) lines.push("ConnectTo = a");
    Deno.writeTextFileSync(`${directory}/tinc.conf`, lines.join("\n") + "\n");
    const pid = `--pidfile=${directory}/pid`;
    site.daemon(host, ["tincd", "-c", directory, "--no-detach", "--debug=1", pid]);
    await addPort(host, TAP);
  }
  return [];
}

/** n2n: two edges that know each other from a supernode. */
export const n2n: Variant = {
  name: "n2n",
  title: "n2n",
  cipher: "Twofish",
  layer: 2,
  hops: 0,
  needs: ["edge", "supernode"],
  version: () => programVersion("edge", "-h"),
  open: (site) => {
    const ends = tapEnds(site);
    const configuration = [
      `supernode on the first host, edge -k KEY -M ${MTU}; traffic between the TAP devices themselves: an edge sends to ` +
      "its peers' own addresses only",
    ];
    return { ends, configuration, start: () => startN2n(site) };
  },
};

function startN2n(site: Site): readonly string[] {
  const [first] = site.outer;
  site.daemon(first, ["supernode", "-l", "7654"]);
  for (const [i, host] of site.outer.entries()) {
    const address = ["-a", ADDRESSES[i as 0 | 1], "-s", "255.255.255.0", "-M", `${MTU}`];
    const community = ["-c", "bench", "-k", "aKeyForAMinute", "-l", `${first.address}:7654`];
    const mac = `02:00:00:00:01:0${i + 1}`;
    site.daemon(host, ["edge", "-d", TAP, ...address, ...community, "-m", mac, "-p", "7655"]);
  }
  return [];
}

/** OpenVPN between two hosts over UDP. */
export const openvpn: Variant = {
  name: "openvpn",
  title: "OpenVPN, tap",
  cipher: "AES-256-GCM",
  layer: 2,
  hops: 0,
  needs: ["openvpn", "openssl"],
  version: () => programVersion("openvpn", "--version"),
  open: (site) => {
    makeAuthority(site.directory);
    const ends = site.containers();
    const configuration = [
      `dev-type tap, proto udp, TLS with a CA of its own, cipher AES-256-GCM, tun-mtu ${MTU}; TAP in a bridge`,
    ];
    return { ends, configuration, start: () => startOpenvpn(site) };
  },
};

/** A certificate authority for a minute, and two certificates of it. */
function makeAuthority(directory: string): void {
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const out = (name: string): string[] => ["-keyout", `${name}.key`, "-out", `${name}.crt`];
  const openssl = (...args: string[]): void => {
    runSync(["env", "-C", directory, "openssl", "req", "-x509", ...key, "-days", "2", ...args]);
  };
  openssl("-subj", "/CN=bench CA", ...out("ca"));
  for (const name of ["0", "1"]) {
    const signed = ["-CA", "ca.crt", "-CAkey", "ca.key", "-addext", "basicConstraints=CA:FALSE"];
    openssl("-subj", `/CN=host ${name}`, ...signed, ...out(name));
  }
}

async function startOpenvpn(site: Site): Promise<readonly string[]> {
  for (const [i, host] of site.outer.entries()) {
    const other = site.outer[1 - i];
    site.daemon(host, [
      ...["openvpn", "--cd", site.directory, "--dev", TAP, "--dev-type", "tap", "--proto", "udp"],
      ...["--local", host.address, "--remote", `${other?.address}`, "--port", "1194"],
      ...(i === 0 ? ["--tls-server", "--dh", "none"] : ["--tls-client"]),
      ...["--ca", "ca.crt", "--cert", `${i}.crt`, "--key", `${i}.key`, "--tun-mtu", `${MTU}`],
      ...["--cipher", "AES-256-GCM", "--data-ciphers", "AES-256-GCM", "--verb", "1"],
    ]);
    await addPort(host, TAP);
  }
  return [];
}

/** The TAP devices themselves, in the hosts. */
function tapEnds(site: Site): Ends {
  const [a, b] = site.outer;
  return [
    { at: a, address: ADDRESSES[0], device: TAP },
    { at: b, address: ADDRESSES[1], device: TAP },
  ];
}

function field(text: string, name: string): string {
  return new RegExp(`${name}: *([0-9a-f]+)`).exec(text)?.[1] ?? "";
}
