import { equal } from "node:assert/strict";
import { Announcement } from "./announcement.ts";
import type { IpamState } from "./state_wire.ts";

function content(n: number): IpamState["content"] {
  return { kind: "ring", ring: { start: 0, end: 4, peer: n, seeds: [], entries: [] } };
}

function told(announcement: Announcement): number {
  const { content } = announcement;
  return content.kind === "ring" ? content.ring.peer : 0;
}

Deno.test("Announcement tells news of others at once", () => {
  const announcement = new Announcement(content(1));
  announcement.set(content(2), undefined);
  equal(told(announcement), 2);
});

Deno.test("Announcement holds a change of ours until it is stored", () => {
  const announcement = new Announcement(content(1));
  announcement.set(content(2), 7);
  equal(told(announcement), 1);
  announcement.stored(6);
  equal(told(announcement), 1);
  announcement.stored(7);
  equal(told(announcement), 2);
});

Deno.test("Announcement holds what rests on a change that is held", () => {
  const announcement = new Announcement(content(1));
  announcement.set(content(2), 7);
  announcement.set(content(3), undefined);
  announcement.set(content(4), 8);
  equal(told(announcement), 1);
  announcement.stored(7);
  equal(told(announcement), 3);
  announcement.stored(8);
  equal(told(announcement), 4);
});
