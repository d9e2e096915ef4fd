import { equal, throws } from "node:assert/strict";
import { joined, snapshot } from "./example_test.ts";
import { reportTemplate } from "./report.ts";
import { renderTemplate, TemplateError } from "./template.ts";

const DATA = {
  Name: "a",
  Count: 2,
  Off: false,
  None: null,
  List: ["x", "y"],
  Peers: [{ Name: "p", Up: true }, { Name: "q", Up: false }],
};

const CASES: readonly [string, string][] = [
  ["plain text, { and }", "plain text, { and }"],
  ["{{.Name}}/{{ .Count }}", "a/2"],
  ["{{len .List}} {{len .None}} {{len .Name}}", "2 0 1"],
  ['{{range .List}}{{.}}{{"\\n"}}{{end}}', "x\ny\n"],
  ["{{range .None}}{{.}}{{else}}none{{end}}", "none"],
  ["{{range .Peers}}{{.Name}}{{if .Up}}+{{else}}-{{end}} {{end}}", "p+ q- "],
  ["{{with .Peers}}{{len .}}{{end}}{{with .None}}x{{else}}y{{end}}", "2y"],
  ["{{if .Off}}on{{end}}{{if .List}}list{{end}}", "list"],
  ["{{json .Peers}}", JSON.stringify(DATA.Peers)],
  ["{{json .}}", JSON.stringify(DATA)],
  ["{{.List}} {{.None}} {{.Off}}", "[x y] [] false"],
  ["a {{- .Name -}} b", "aab"],
  ['{{`}}`}}{{"}}"}}{{/* nothing */}}', "}}}}"],
  ['a{{/* of "quotes */ -}} b', "ab"],
];
for (const [template, expected] of CASES) {
  Deno.test(`renderTemplate() evaluates ${template}`, () => {
    equal(renderTemplate(template, DATA), expected);
  });
}

const WRONG: readonly [string, RegExp][] = [
  ["{{.Nobody}}", /no field "Nobody"/],
  ["{{.Name.First}}", /no field "First"/],
  ["{{.constructor}}", /no field "constructor"/],
  ["{{range .List}}", /range has no \{\{end\}\}/],
  ["{{if .Off}}a{{else}}b{{else}}c{{end}}", /if has no \{\{end\}\}/],
  ["{{end}}", /unexpected \{\{end\}\}/],
  ["{{.Name", /no \}\}/],
  ['{{printf "%s" .Name}}', /Cannot evaluate \{\{printf/],
  ["{{.Name | json}}", /Cannot evaluate/],
  ["{{len .Count}}", /no length/],
  ["{{range .Name}}x{{end}}", /range over a/],
  ['{{"\\x"}}', /is no text/],
  ["{{if .Off}}".repeat(40), /too many blocks/],
  ["{{json json .Name}}", /Cannot evaluate \{\{json \.Name\}\} here/],
  ['{{"a}}', /no \}\}/],
  ["a".repeat(4097), /longer than 4096/],
];
for (const [template, expected] of WRONG) {
  Deno.test(`renderTemplate() refuses ${template.slice(0, 40)}`, () => {
    throws(
      () => renderTemplate(template, DATA),
      (error) => error instanceof TemplateError && expected.test(error.message),
    );
  });
}

Deno.test("renderTemplate() refuses quotes that nothing ends before long", () => {
  throws(() => renderTemplate(`{{${'"'.repeat(80)}`, DATA), TemplateError);
});

Deno.test("renderTemplate() refuses to write more than a reader can want", () => {
  const long = { Text: "x".repeat(1e6) };
  throws(() => renderTemplate("{{.Text}}".repeat(100), long), TemplateError);
});

Deno.test("reportTemplate() reads the report, with every digit of a UID", () => {
  equal(reportTemplate("{{.Version}} {{.Router.Name}}", snapshot()), "1.2.3 02:00:00:00:00:01");
  equal(
    reportTemplate("{{range .Router.Peers}}{{.UID}}{{end}}", snapshot()),
    "12650391640433031826",
  );
  equal(
    reportTemplate(
      '{{range .Router.Peers}}{{.NickName}} {{len .Connections}}{{"\\n"}}{{end}}',
      joined(),
    ),
    "host1 1\nhost2 2\n",
  );
  equal(reportTemplate("{{json .Router.Targets}}", snapshot()), "null");
});
