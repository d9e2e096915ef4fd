/**
 * Lint rules that keep cores pure: no I/O, no clock, no randomness, no waiting outside the shells.
 *
 * ```
 *   ffi/  router/  cli/  scripts/  tests/      may do what they like
 *   shell.ts  *_shell.ts  *_test.ts  *_bench.ts   likewise, in any folder
 *   everything else                            is a core: bytes, requests and time in; bytes, events and deadlines out
 * ```
 *
 * @module
 */

const IO_FOLDERS = new Set(["ffi", "router", "cli", "scripts", "tests"]);
const CORE_FOLDERS = new Set(["base", "mesh", "switch", "container"]);
const IO_FILE = /(^|_)(shell|test|bench)\.ts$/;

/** What a core does not name, and what it takes instead. */
const FORBIDDEN: Readonly<Record<string, string>> = {
  Deno: "I/O belongs to a shell",
  console: "logging belongs to a shell",
  setTimeout: "return a deadline, the shell arms the timer",
  setInterval: "return a deadline, the shell arms the timer",
  setImmediate: "return a deadline, the shell arms the timer",
  queueMicrotask: "a core acts when it is called",
  performance: "time is the argument `now`",
  fetch: "I/O belongs to a shell",
  WebSocket: "I/O belongs to a shell",
  Worker: "threads belong to a shell",
  crypto: "cryptography and randomness are passed in",
  process: "I/O belongs to a shell",
  localStorage: "I/O belongs to a shell",
};

/** Members of a global that read a clock or throw dice; the rest of the global is pure. */
const FORBIDDEN_MEMBERS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Date: { now: "time is the argument `now`" },
  Math: { random: "randomness is passed in" },
  Atomics: { wait: "waiting belongs to a shell" },
  Temporal: { Now: "time is the argument `now`" },
};

/**
 * Tells whether a file is a core.
 *
 * @param path relative to the root of the repository, or absolute: then the first known folder counts
 */
export function isCore(path: string): boolean {
  const parts = path.split("/");
  const name = parts.at(-1) ?? "";
  if (IO_FILE.test(name)) return false;
  for (const part of parts.slice(0, -1).reverse()) {
    if (CORE_FOLDERS.has(part)) return true;
    if (IO_FOLDERS.has(part)) return false;
  }
  return false;
}

const plugin: Deno.lint.Plugin = {
  name: "weft",
  rules: {
    "pure-core": {
      create(context): Deno.lint.LintVisitor {
        if (!isCore(context.filename)) return {};
        const declared = declaredNames(context.sourceCode.text);
        const report = (node: Deno.lint.Node, what: string, why: string): void =>
          context.report({ node, message: `A core does not use ${what}: ${why}` });
        return {
          Identifier(node): void {
            const why = FORBIDDEN[node.name];
            if (why === undefined || !Object.hasOwn(FORBIDDEN, node.name)) return;
            if (declared.has(node.name) || namesAProperty(node)) return;
            report(node, `\`${node.name}\``, why);
          },
          MemberExpression(node): void {
            if (node.object.type !== "Identifier" || node.property.type !== "Identifier") return;
            const members = FORBIDDEN_MEMBERS[node.object.name];
            if (members === undefined || !Object.hasOwn(members, node.property.name)) return;
            const name = `\`${node.object.name}.${node.property.name}\``;
            report(node, name, members[node.property.name] ?? "");
          },
          NewExpression(node): void {
            if (node.callee.type !== "Identifier" || node.callee.name !== "Date") return;
            if (node.arguments.length === 0) {
              report(node, "`new Date()`", "time is the argument `now`");
            }
          },
          AwaitExpression(node): void {
            report(node, "`await`", "only the shell waits");
          },
          ImportDeclaration(node): void {
            const source = String(node.source.value);
            if (source.startsWith("node:")) {
              report(node, `"${source}"`, "the system belongs to a shell");
            }
          },
        };
      },
    },
  },
};

export default plugin;

/** The name of a member, of a key or of a type's member is not the global. */
function namesAProperty(node: Deno.lint.Identifier): boolean {
  const parent = node.parent;
  switch (parent?.type) {
    case "MemberExpression":
      return parent.property === node && !parent.computed;
    case "Property":
      return parent.key === node && !parent.computed && !parent.shorthand;
    case "PropertyDefinition":
    case "MethodDefinition":
    case "TSPropertySignature":
    case "TSMethodSignature":
    case "TSEnumMember":
      return "key" in parent ? parent.key === node : true;
    default:
      return false;
  }
}

/**
 * Returns the forbidden names that the file itself declares: a parameter `crypto`, passed in, is not the global.
 *
 * It looks at the text alone, so a file that has both the parameter and the global is not caught.
 */
function declaredNames(text: string): ReadonlySet<string> {
  return new Set(
    Object.keys(FORBIDDEN).filter((name) =>
      new RegExp(`(?:\\b(?:const|let)\\s+|[(,{\\s]\\s*)${name}\\??\\s*(?::|=[^=])`).test(text) ||
      new RegExp(`(?:const|let)\\s*\\{[^}]*\\b${name}\\b[^}]*\\}\\s*=`).test(text)
    ),
  );
}
