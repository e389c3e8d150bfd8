// Bundles the widgets of src/ into ../bundle/, with the versions and licences of what went in beside them.
import { build } from "esbuild";
import { readFile, writeFile } from "node:fs/promises";

const OUT = "../bundle";
const MOST_BYTES = 512 * 1024;

const { metafile } = await build({
  entryPoints: ["src/terminal.js", "src/card.js", "src/progress.js"],
  outdir: OUT,
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  legalComments: "none",
  metafile: true,
});

let total = 0;
const packages = new Set();
for (const [file, output] of Object.entries(metafile.outputs)) {
  total += output.bytes;
  console.log(`${file}: ${output.bytes} bytes`);
  for (const input of Object.keys(output.inputs)) {
    const found = input.match(/node_modules\/((?:@[^/]+\/)?[^/]+)\//);
    if (found) packages.add(found[1]);
  }
}
if (total > MOST_BYTES) throw new Error(`the bundle has ${total} bytes; ${MOST_BYTES} are the most`);

const parts = [
  "What is bundled in this folder, made by `make widgets` from labkit/ui/widgets/front/. Besides the lab's own code\n" +
    "(ISC, see LICENSE at the top of the repository) it holds:\n",
];
for (const name of [...packages].sort()) {
  const about = JSON.parse(await readFile(`node_modules/${name}/package.json`, "utf8"));
  const licence = await readFile(`node_modules/${name}/LICENSE`, "utf8");
  parts.push(`${name} ${about.version} (${about.license})\n\n${licence.trim().replace(/^/gm, "    ").replace(/ +$/gm, "")}\n`);
}
const { version } = JSON.parse(await readFile("node_modules/esbuild/package.json", "utf8"));
parts.push(`Bundled with esbuild ${version}.\n`);
await writeFile(`${OUT}/VERSIONS.txt`, parts.join("\n"));
