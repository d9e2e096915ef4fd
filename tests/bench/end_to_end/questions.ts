/**
 * What users ask first, each answered by one number: how weft compares with what they know.
 *
 * An answer is the ratio of two figures of one round, then the median of those ratios; never a ratio of medians, because
 * the machine is another one in each round. Some are no ratio but the figure itself.
 *
 * @module
 */

import { ASKED_RATE } from "./measurements/datagrams.ts";
import { type BenchResult, perRound, perRoundRatios, type Place } from "./result.ts";
import { median } from "./statistics.ts";

/** One line of the summary. */
export interface Answer {
  /** What is asked. */
  readonly question: string;
  /** Median over the rounds. */
  readonly median: string;
  /** Lowest and highest of the rounds. */
  readonly range: string;
}

/** A question: a figure, or one figure over another of the same round. */
interface Question {
  readonly question: string;
  readonly of: Place;
  readonly to?: Place;
  readonly format?: (value: number) => string;
}

const SEALED = "weft-shuttle";
const PLAIN = "weft-shuttle-plain";
const SLEEVE = "weft-sleeve";
const ROUTER = "weave";
const FASTD = "fastd-gcm";

/** What a variant is called in a question. */
const CALLED: Readonly<Record<string, string>> = {
  vxlan: "VXLAN",
  [SEALED]: "encrypted",
  [PLAIN]: "no password",
  [SLEEVE]: "sleeve",
  [FASTD]: "fastd, encrypted",
  [ROUTER]: "Weave Net's router, encrypted",
};

const QUESTIONS: readonly Question[] = [
  ...both("one flow, over VXLAN", rate("vxlan")),
  ...both("one flow, trains cut by the underlay, over VXLAN", rate("vxlan", "tcp-1-cut")),
  asked("one flow, encrypted over no password", rate(SEALED), rate(PLAIN)),
  asked("encrypted: one flow, over Weave Net's router", rate(SEALED), rate(ROUTER)),
  asked("no password: one flow, over Weave Net's router", rate(PLAIN), rate(`${ROUTER}-plain`)),
  asked("sleeve: one flow, over Weave Net's router", rate(SLEEVE), rate(ROUTER)),
  asked(
    "sleeve to Weave Net's router: one flow, over two of those",
    rate("weft-weave"),
    rate(ROUTER),
  ),
  asked("encrypted: one flow, over fastd's", rate(SEALED), rate(FASTD)),
  asked("no password: one flow, over fastd's", rate(PLAIN), rate("fastd-null")),
  ...["vxlan", PLAIN, SEALED, SLEEVE].map((name) =>
    asked(`${CALLED[name]}: four flows over one`, rate(name, "tcp-4"), rate(name))
  ),
  ...["vxlan", SEALED, SLEEVE].flatMap((name) =>
    [1, 2].map((hops) =>
      asked(
        `${CALLED[name]}: ${hops} host(s) between, over direct`,
        rate(`${name}-relay${hops}`),
        rate(name),
      )
    )
  ),
  ...["p50Us", "p99Us"].flatMap((figure) => roundTrips(figure)),
  ...both("64-byte datagrams delivered, over VXLAN", {
    variant: "vxlan",
    measurement: "udp-64",
    figure: "deliveredPerSecond",
  }),
  ...["vxlan", PLAIN, SEALED].flatMap(askedRate),
  ...[SEALED, SLEEVE, FASTD, ROUTER].flatMap(atRest),
];

/** Answers what a result has figures for, in the order of importance. */
export function answers(result: BenchResult): Answer[] {
  return QUESTIONS.flatMap(({ question, of, to, format }) => {
    const values = to === undefined
      ? perRound(result, of.variant, of.measurement, of.figure).filter((each) => each !== undefined)
      : perRoundRatios(result, of, to);
    const middle = median(values);
    if (middle === undefined) return [];
    const show = format ?? times;
    const range = `${show(Math.min(...values))} to ${show(Math.max(...values))}`;
    return [{ question, median: show(middle), range }];
  });
}

function asked(question: string, of: Place, to: Place): Question {
  return { question, of, to };
}

function rate(variant: string, measurement: string = "tcp-1"): Place {
  return { variant, measurement, figure: "mbitPerSecond" };
}

/** The same question of the overlay with and without a password. */
function both(question: string, to: Place): Question[] {
  return [
    asked(`encrypted: ${question}`, { ...to, variant: SEALED }, to),
    asked(`no password: ${question}`, { ...to, variant: PLAIN }, to),
  ];
}

function roundTrips(figure: string): Question[] {
  const at = (variant: string): Place => ({ variant, measurement: "rtt", figure });
  const name = `idle round trip ${figure.replace("Us", "")}`;
  return [
    asked(`encrypted: ${name}, over VXLAN's`, at(SEALED), at("vxlan")),
    asked(`encrypted: ${name}, over Weave Net's router's`, at(SEALED), at(ROUTER)),
    asked(`encrypted: ${name}, over fastd's`, at(SEALED), at(FASTD)),
  ];
}

function askedRate(variant: string): Question[] {
  const measurement = "udp-64-rates";
  const offered = `${CALLED[variant]}: of ${ASKED_RATE} 64-byte datagrams a second`;
  const place = (figure: string): Place => ({ variant, measurement, figure });
  return [
    {
      question: `${offered}, share delivered`,
      of: place(`shareAt${ASKED_RATE}`),
      format: (value) => value.toFixed(4),
    },
    {
      question: `${offered}, delivered a second`,
      of: place(`deliveredAt${ASKED_RATE}`),
      format: (value) => Math.round(value).toString(),
    },
  ];
}

function atRest(variant: string): Question[] {
  const at = (figure: string): Place => ({ variant, measurement: "rest", figure });
  return [
    {
      question: `${CALLED[variant]}: idle CPU per host`,
      of: at("idlePercent"),
      format: (value) => `${value.toFixed(2)} %`,
    },
    {
      question: `${CALLED[variant]}: memory per host`,
      of: at("rssBytes"),
      format: (value) => `${Math.round(value / 1e6)} MB`,
    },
  ];
}

function times(value: number): string {
  return `${value.toFixed(value < 9.95 ? 2 : 0)}x`;
}
