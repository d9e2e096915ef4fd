import { deepEqual, equal } from "node:assert/strict";
import { CONFIRM_MS, Handover, PING_MS, ROUTE_MS, Takeovers } from "./departures.ts";

const aRoute = (): boolean => true;
const noRoute = (): boolean => false;

Deno.test("Takeovers.takeDue() takes a weft peer that did not answer within a second", () => {
  const takeovers = new Takeovers();
  takeovers.begin(1, 2, 7, 0);
  deepEqual(takeovers.takeDue(PING_MS - 1, noRoute), []);
  deepEqual(takeovers.takeDue(PING_MS, noRoute), [{ id: 1, peer: 2, alive: false }]);
  equal(takeovers.deadline(), Infinity);
});

Deno.test("Takeovers.takeDue() leaves a silent weft peer alone that has a route after three seconds", () => {
  const takeovers = new Takeovers();
  takeovers.begin(1, 2, 7, 0);
  deepEqual(takeovers.takeDue(PING_MS, aRoute), []);
  equal(takeovers.deadline(), ROUTE_MS);
  deepEqual(takeovers.takeDue(ROUTE_MS, aRoute), [{ id: 1, peer: 2, alive: true }]);
});

Deno.test("Takeovers.takeDue() takes a silent weft peer whose route goes within three seconds", () => {
  const takeovers = new Takeovers();
  takeovers.begin(1, 2, 7, 0);
  deepEqual(takeovers.takeDue(PING_MS, aRoute), []);
  deepEqual(takeovers.takeDue(ROUTE_MS, noRoute), [{ id: 1, peer: 2, alive: false }]);
});

Deno.test("Takeovers.pong() ends requests for a peer that answers their ping", () => {
  const takeovers = new Takeovers();
  takeovers.begin(1, 2, 7, 0);
  deepEqual(takeovers.pong(3, 7), []);
  deepEqual(takeovers.pong(2, 8), []);
  deepEqual(takeovers.pong(2, 7), [1]);
  deepEqual(takeovers.takeDue(PING_MS, aRoute), []);
});

Deno.test("Takeovers.takeDue() looks at the route to a real peer after three seconds", () => {
  const takeovers = new Takeovers();
  takeovers.begin(1, 2, undefined, 0);
  deepEqual(takeovers.takeDue(PING_MS, aRoute), []);
  deepEqual(takeovers.takeDue(ROUTE_MS, aRoute), [{ id: 1, peer: 2, alive: true }]);
});

Deno.test("Handover gives all to the first that answers, and reminds it until it confirms", () => {
  const handover = new Handover(7, undefined, 0);
  deepEqual(handover.pong(2, 7, 10), { kind: "bequeath", heir: 2 });
  equal(handover.pong(3, 7, 11), undefined);
  deepEqual(handover.tick(1010), { kind: "remind", heir: 2 });
  equal(handover.confirmed(3), undefined);
  deepEqual(handover.confirmed(2), { kind: "over", heir: 2, confirmed: true });
  equal(handover.deadline(), Infinity);
});

Deno.test("Handover takes a real peer when no other answers", () => {
  const handover = new Handover(7, 9, 0);
  deepEqual(handover.tick(PING_MS), { kind: "bequeath", heir: 9 });
});

Deno.test("Handover ends without an heir when nobody answers", () => {
  const handover = new Handover(7, undefined, 0);
  deepEqual(handover.tick(PING_MS), { kind: "over", heir: undefined, confirmed: false });
});

Deno.test("Handover does not wait for ever for a confirmation", () => {
  const handover = new Handover(7, undefined, 0);
  handover.pong(2, 7, 0);
  deepEqual(handover.tick(CONFIRM_MS), { kind: "over", heir: 2, confirmed: false });
});
