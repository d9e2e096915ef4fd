import { deepEqual, equal, rejects, throws } from "node:assert/strict";
import { type Cidr, cidrContains, formatCidr, networkOf, parseCidr } from "../base/mod.ts";
import { Leases } from "./leases_shell.ts";
import type { AddressPart } from "./parts.ts";

const OPTIONS = { isContainer: true };

/** An allocator of one host: gives the lowest free address, and refuses those above .6. */
function toyAllocator(): AddressPart & { readonly held: Map<string, Cidr[]> } {
  const held = new Map<string, Cidr[]>();
  const taken = (address: number): string | undefined =>
    [...held].find(([, cidrs]) => cidrs.some((cidr) => cidr.address === address))?.[0];
  const keep = (ident: string, cidr: Cidr): void => {
    held.set(ident, [...held.get(ident) ?? [], cidr]);
  };
  const lookup = (ident: string, within?: Cidr): Cidr[] =>
    (held.get(ident) ?? []).filter(({ address }) =>
      within === undefined || cidrContains(within, address)
    );
  return {
    held,
    range: parseCidr("10.32.0.0/12"),
    defaultSubnet: parseCidr("10.32.0.0/24"),
    allocate: (ident, subnet) => {
      const mine = lookup(ident, subnet)[0];
      if (mine !== undefined) return Promise.resolve(mine);
      for (let i = 1; i < 7; i++) {
        const cidr = { address: networkOf(subnet) + i, length: subnet.length };
        if (taken(cidr.address) !== undefined) continue;
        keep(ident, cidr);
        return Promise.resolve(cidr);
      }
      return Promise.reject(new Error("full"));
    },
    claim: (ident, cidr) => {
      const owner = taken(cidr.address);
      if (owner !== undefined && owner !== ident) return Promise.reject(new Error("taken"));
      if (owner === undefined) keep(ident, cidr);
      return Promise.resolve();
    },
    lookup,
    owned: () => [...held].map(([ident, cidrs]) => ({ ident, isContainer: true, cidrs })),
    free: (ident, ip) => {
      held.set(ident, lookup(ident).filter(({ address }) => address !== ip));
      return Promise.resolve();
    },
    freeAll: (ident) => {
      held.delete(ident);
      return Promise.resolve();
    },
  };
}

function texts(cidrs: readonly Cidr[]): string[] {
  return cidrs.map(formatCidr);
}

Deno.test("take() gives what each word asks for, in that order", async () => {
  const leases = new Leases(toyAllocator());
  const words = leases.parse(["net:10.32.1.0/24", "10.40.0.9/16", "net:default"], "attach");
  const { cidrs } = await leases.take("c", words, OPTIONS);
  deepEqual(texts(cidrs), ["10.32.1.1/24", "10.40.0.9/16", "10.32.0.1/24"]);
});

Deno.test("take() keeps nothing new when one word cannot be had", async () => {
  const ipam = toyAllocator();
  const leases = new Leases(ipam);
  await leases.take("c", leases.parse([], "attach"), OPTIONS);
  await leases.take("other", leases.parse(["10.40.0.9/16"], "attach"), OPTIONS);
  const words = leases.parse(["net:default", "net:10.32.1.0/24", "10.40.0.9/16"], "attach");
  await rejects(leases.take("c", words, OPTIONS), /taken/);
  deepEqual(texts(ipam.lookup("c")), ["10.32.0.1/24"]);
});

Deno.test("undo() gives back what the request brought, and leaves what was there", async () => {
  const ipam = toyAllocator();
  const leases = new Leases(ipam);
  await leases.take("c", leases.parse([], "attach"), OPTIONS);
  const lease = await leases.take(
    "c",
    leases.parse(["net:default", "net:10.32.1.0/24"], "attach"),
    OPTIONS,
  );
  await lease.undo();
  deepEqual(texts(ipam.lookup("c")), ["10.32.0.1/24"]);
});

Deno.test("find() knows what a holder has in a subnet, and takes an address as it is", async () => {
  const leases = new Leases(toyAllocator());
  await leases.take("c", leases.parse(["net:10.32.1.0/24"], "attach"), OPTIONS);
  const words = leases.parse(["net:10.32.1.0/24", "192.0.2.1/24"], "detach");
  deepEqual(texts(leases.find("c", words)), ["10.32.1.1/24", "192.0.2.1/24"]);
  deepEqual(leases.find("c", leases.parse([], "detach")), []);
});

Deno.test("giveBack() leaves alone what the holder does not have", async () => {
  const ipam = toyAllocator();
  const leases = new Leases(ipam);
  const { cidrs } = await leases.take("c", leases.parse([], "attach"), OPTIONS);
  await leases.giveBack("other", cidrs);
  equal(ipam.lookup("c").length, 1);
  await leases.giveBack("c", cidrs);
  equal(ipam.lookup("c").length, 0);
});

Deno.test("giveBack() gives an address back once that stands there with two prefixes", async () => {
  const ipam = toyAllocator();
  const { free } = ipam;
  let count = 0;
  const counting = { ...ipam, free: (ident: string, ip: number) => (count++, free(ident, ip)) };
  const leases = new Leases(counting);
  const words = leases.parse(["net:10.32.0.0/28", "net:default"], "attach");
  const { cidrs } = await leases.take("c", words, OPTIONS);
  await leases.giveBack("c", [...cidrs, ...cidrs]);
  equal(count, 1);
});

Deno.test("Leases without an allocator takes addresses as they are, and refuses to choose", async () => {
  const leases = new Leases(undefined);
  const { cidrs } = await leases.take("c", leases.parse(["10.2.1.1/24"], "attach"), OPTIONS);
  deepEqual(texts(cidrs), ["10.2.1.1/24"]);
  throws(() => leases.parse([], "attach"), /must be enabled/);
});
