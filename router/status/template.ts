/**
 * Templates over the report, in the forms of Go's text/template that scripts for Weave Net use (spec/cli.md 7).
 *
 * ```
 *   {{.Router.Name}}   {{len .Router.Peers}}   {{json .Router}}   {{"\n"}}   {{- trims white space -}}
 *   {{range .Router.Targets}}{{.}}{{"\n"}}{{else}}none{{end}}      if and with likewise
 * ```
 *
 * Everything else is refused in words that name it.
 *
 * @module
 */

/** Is thrown for a template that cannot be evaluated; one line. */
export class TemplateError extends Error {
  /** Name of the class. */
  override name = "TemplateError";
}

/** Returns the value of an expression, given the dot. */
type Expression = (dot: unknown) => unknown;

type Block = "range" | "if" | "with";

/** A piece of a template: text, a value, or a block with what it repeats. */
type Piece =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "value"; readonly of: Expression }
  | {
    readonly kind: Block;
    readonly of: Expression;
    readonly body: Piece[];
    readonly otherwise: Piece[];
  };

/** A template nests a few blocks, not more. */
const MAX_DEPTH = 32;
/** Anybody on the host may send one to the status pages: what it costs the router has to have an end. */
const MAX_CHARACTERS = 4096;
const MAX_OUTPUT_CHARACTERS = 16 * 1024 * 1024;
/**
 * An action: a comment, or texts and what stands between them. A quote is nothing but the end of a text, so that there is one
 * way to read it: with two, each pair of quotes would double the time that a template without an end takes.
 */
const ACTION = /\{\{(-\s)?(\/\*.*?\*\/|(?:"(?:\\.|[^"\\])*"|`[^`]*`|(?!\}\})[^"`])*?)(\s-)?\}\}/gs;

/** What may still be written. */
interface Budget {
  characters: number;
}

/**
 * Evaluates a template.
 *
 * @throws {TemplateError} if it does not parse, or names a field that is not there
 */
export function renderTemplate(template: string, data: unknown): string {
  if (template.length > MAX_CHARACTERS) {
    throw new TemplateError(
      `Cannot read the template: it is longer than ${MAX_CHARACTERS} characters`,
    );
  }
  const tokens = tokenize(template);
  const { pieces, end } = parse(tokens, 0);
  if (end !== undefined) throw new TemplateError(`Cannot read the template: unexpected {{${end}}}`);
  return render(pieces, data, { characters: MAX_OUTPUT_CHARACTERS });
}

type Token = { readonly text: string } | { readonly action: string };

function tokenize(template: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let trim = false;
  for (const match of template.matchAll(ACTION)) {
    const [whole, left, action = "", right] = match;
    const text = template.slice(at, match.index);
    const begun = trim ? text.trimStart() : text;
    tokens.push({ text: left === undefined ? begun : begun.trimEnd() }, { action: action.trim() });
    trim = right !== undefined;
    at = match.index + whole.length;
  }
  const rest = template.slice(at);
  tokens.push({ text: trim ? rest.trimStart() : rest });
  if (tokens.some((token) => "text" in token && token.text.includes("{{"))) {
    throw new TemplateError("Cannot read the template: an action has no }}");
  }
  return tokens;
}

/** Takes tokens up to the `end` or `else` of the block that it is in. */
function parse(tokens: Token[], depth: number): { pieces: Piece[]; end: string | undefined } {
  if (depth > MAX_DEPTH) {
    throw new TemplateError("Cannot read the template: too many blocks in each other");
  }
  const pieces: Piece[] = [];
  for (let token = tokens.shift(); token !== undefined; token = tokens.shift()) {
    if ("text" in token) pieces.push({ kind: "text", text: token.text });
    else if (token.action === "end" || token.action === "else") {
      return { pieces, end: token.action };
    } else if (!token.action.startsWith("/*")) pieces.push(pieceOf(token.action, tokens, depth));
  }
  return { pieces, end: undefined };
}

function pieceOf(action: string, tokens: Token[], depth: number): Piece {
  const [, word, argument = ""] = /^(range|if|with)\s+(.*)$/s.exec(action) ?? [];
  if (word === undefined) return { kind: "value", of: expression(action) };
  const of = expression(argument);
  const first = parse(tokens, depth + 1);
  const second = first.end === "else" ? parse(tokens, depth + 1) : { pieces: [], end: first.end };
  if (second.end !== "end") {
    throw new TemplateError(`Cannot read the template: ${word} has no {{end}}`);
  }
  return { kind: word as Block, of, body: first.pieces, otherwise: second.pieces };
}

function expression(text: string): Expression {
  const [, call, argument = ""] = /^(len|json)\s+(.*)$/s.exec(text) ?? [];
  if (call !== undefined) {
    // What json makes of its own text doubles with each turn.
    if (/^(len|json)\s/.test(argument)) {
      throw new TemplateError(`Cannot evaluate {{${argument}}} here: ${call} takes a field`);
    }
    const of = expression(argument);
    return call === "len" ? (dot) => lengthOf(of(dot)) : (dot) => JSON.stringify(of(dot));
  }
  if (/^`[^`]*`$/.test(text)) return () => text.slice(1, -1);
  if (/^"(\\.|[^"\\])*"$/.test(text)) {
    const literal = unquote(text);
    return () => literal;
  }
  if (text === ".") return (dot) => dot;
  if (/^(\.[A-Za-z_][A-Za-z0-9_]*)+$/.test(text)) {
    const path = text.slice(1).split(".");
    return (dot) => path.reduce(field, dot);
  }
  throw new TemplateError(
    `Cannot evaluate {{${text}}}: known are fields, len, json, range, if, with and texts`,
  );
}

function unquote(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    throw new TemplateError(`Cannot read the template: ${text} is no text`);
  }
}

function field(value: unknown, name: string): unknown {
  if (typeof value === "object" && value !== null && Object.hasOwn(value, name)) {
    return (value as Record<string, unknown>)[name];
  }
  throw new TemplateError(`Cannot evaluate the template: there is no field "${name}"`);
}

function lengthOf(value: unknown): number {
  if (value === null) return 0;
  if (typeof value === "string") return new TextEncoder().encode(value).length;
  if (typeof value === "object" && rawDigits(value) === undefined) return Object.keys(value).length;
  throw new TemplateError(`Cannot evaluate the template: ${show(value)} has no length`);
}

function render(pieces: readonly Piece[], dot: unknown, budget: Budget): string {
  return pieces.map((piece) => {
    if (piece.kind === "text") return spend(piece.text, budget);
    const value = piece.of(dot);
    if (piece.kind === "value") return spend(show(value), budget);
    if (!isTrue(value)) return render(piece.otherwise, dot, budget);
    if (piece.kind === "if") return render(piece.body, dot, budget);
    if (piece.kind === "with") return render(piece.body, value, budget);
    if (typeof value !== "object") {
      throw new TemplateError(`Cannot evaluate the template: range over ${show(value)}`);
    }
    return Object.values(value ?? {}).map((item) => render(piece.body, item, budget)).join("");
  }).join("");
}

function spend(text: string, budget: Budget): string {
  budget.characters -= text.length;
  if (budget.characters >= 0) return text;
  throw new TemplateError(
    `Cannot evaluate the template: it makes more than ${MAX_OUTPUT_CHARACTERS} characters`,
  );
}

/** Empty is false, as in Go. */
function isTrue(value: unknown): boolean {
  if (typeof value === "object" && value !== null) {
    return rawDigits(value) !== undefined || Object.keys(value).length > 0;
  }
  return Boolean(value);
}

/** Writes a value as Go does. Lists that are empty are null in the report. */
function show(value: unknown): string {
  if (value === null) return "[]";
  if (typeof value !== "object") return String(value);
  const digits = rawDigits(value);
  if (digits !== undefined) return digits;
  if (Array.isArray(value)) return `[${value.map(show).join(" ")}]`;
  return `{${Object.values(value ?? {}).map(show).join(" ")}}`;
}

/** Digits of a number that is written as it is, see `report.ts`. */
function rawDigits(value: unknown): string | undefined {
  const raw = (value as { rawJSON?: unknown } | null)?.rawJSON;
  return typeof raw === "string" ? raw : undefined;
}
