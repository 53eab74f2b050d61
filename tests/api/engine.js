// Answers questions, one of JSON a line, by V8's regular expressions and by Ajv (JSON Schema 2020-12).
// Usage: node engine.js FOLDER_OF_NODE_MODULES DESCRIPTION.json
"use strict";
const { readFileSync } = require("node:fs");
const { createRequire } = require("node:module");
const { createInterface } = require("node:readline");

const [folder, description] = process.argv.slice(2);
const installed = createRequire(`${folder}/`);
const Ajv = installed("ajv/dist/2020").default;
const addFormats = installed("ajv-formats").default;

const ajv = new Ajv({
  strict: true,
  strictRequired: true,
  strictTuples: true,
  strictTypes: true,
  allErrors: true,
  // `["integer", "null"]` is how OpenAPI 3.1 says what may be null.
  allowUnionTypes: true,
});
addFormats(ajv);
const document = JSON.parse(readFileSync(description, "utf8"));
// It is no schema itself, only where schemas are.
ajv.addVocabulary(Object.keys(document));
ajv.addSchema(document, "description", false, false);

const compiled = new Map();
function schema(pointer) {
  if (!compiled.has(pointer)) compiled.set(pointer, ajv.compile({ $ref: `description${pointer}` }));
  return compiled.get(pointer);
}

const expressions = new Map();
function expression(pattern, flags) {
  const key = `${flags} ${pattern}`;
  if (!expressions.has(key)) expressions.set(key, new RegExp(pattern, flags));
  return expressions.get(key);
}

const answers = {
  // As JSON Schema has it: not anchored.
  matches: ({ pattern, flags, text }) => expression(pattern, flags).test(text),
  compiles: ({ pointer }) => typeof schema(pointer) === "function",
  errors: ({ pointer, value }) => (schema(pointer)(value) ? [] : ajv.errorsText(schema(pointer).errors).split(", ")),
};

createInterface({ input: process.stdin }).on("line", (line) => {
  const { ask, ...given } = JSON.parse(line);
  let answer;
  try {
    answer = { answer: answers[ask](given) };
  } catch (error) {
    answer = { problem: String(error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
});
