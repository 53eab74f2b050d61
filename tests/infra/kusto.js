// Kusto's language service over queries: {tables: {name: {column: type}}, queries: {name: text}} on stdin becomes
// {name: [{line, what, at}]} on stdout. The one argument is the service's library.
const path = require('path');

const library = process.argv[2];
// It is made by a compiler from C#, whose runtime must be there first. Both put their names into the global object.
require(path.join(path.dirname(library), 'bridge.min.js'));
require(library);
const { KustoCode, GlobalState, Symbols } = globalThis.Kusto.Language;

function workspace(tables) {
  const symbols = Object.entries(tables).map(([name, columns]) =>
    Symbols.TableSymbol.From(`(${Object.entries(columns).map((column) => column.join(':')).join(', ')})`).WithName(name));
  // C#'s constructors, by number: this one is (name, alternateName, members, isOpen).
  return GlobalState.Default.WithDatabase(new Symbols.DatabaseSymbol.$ctor3('workspace', null, symbols, false));
}

function problems(text, globals) {
  const found = KustoCode.ParseAndAnalyze(text, globals).GetDiagnostics();
  return Array.from({ length: found.Count }, (_, i) => found.getItem(i)).map((one) => ({
    line: text.slice(0, one.Start).split('\n').length,
    what: one.Message,
    at: text.substr(one.Start, one.Length),
  }));
}

const { tables, queries } = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const globals = workspace(tables);
const said = Object.entries(queries).map(([name, text]) => [name, problems(text, globals)]);
process.stdout.write(JSON.stringify(Object.fromEntries(said)));
