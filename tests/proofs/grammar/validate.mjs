// Reads [{"grammar": "TrinoSQL", "sql": "…"}, …] on stdin and writes a list of errors for each on stdout.
//   node validate.mjs FOLDER      (the folder that holds node_modules)
import { readFileSync } from "node:fs";
import { register } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

register("./resolve.mjs", import.meta.url);
const main = join(process.argv[2], "node_modules", "dt-sql-parser", "dist", "index.js");
const parsers = await import(pathToFileURL(main));

const answers = JSON.parse(readFileSync(0, "utf8")).map(({ grammar, sql }) =>
  new parsers[grammar]()
    .validate(sql)
    .map((error) => `${error.startLine}:${error.startColumn} ${error.message}`),
);
process.stdout.write(JSON.stringify(answers));
