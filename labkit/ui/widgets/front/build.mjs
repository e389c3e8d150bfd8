// Bundles what is in src/: the widgets into ../bundle/, what JupyterLab loads into ../labextension/. Beside each goes a
// VERSIONS.txt with the versions and licences of what went in.
import { build } from "esbuild";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename } from "node:path";

const MOST_BYTES = 512 * 1024;
const about = async (name) => JSON.parse(await readFile(`node_modules/${name}/package.json`, "utf8"));

/** Bundles entry points into a folder; returns the names of the files that were made. */
async function bundle(out, options) {
  const { metafile } = await build({
    outdir: out,
    bundle: true,
    target: "es2022",
    minify: true,
    legalComments: "none",
    metafile: true,
    ...options,
  });
  const packages = new Set();
  let total = 0;
  for (const [file, output] of Object.entries(metafile.outputs)) {
    total += output.bytes;
    console.log(`${file}: ${output.bytes} bytes`);
    for (const input of Object.keys(output.inputs)) {
      const found = input.match(/node_modules\/((?:@[^/]+\/)?[^/]+)\//);
      if (found) packages.add(found[1]);
    }
  }
  if (total > MOST_BYTES) throw new Error(`${out} has ${total} bytes; ${MOST_BYTES} are the most`);
  await writeFile(`${out}/VERSIONS.txt`, await versions([...packages].sort()));
  return Object.keys(metafile.outputs).map((file) => basename(file));
}

async function versions(packages) {
  const parts = [
    "What is bundled in this folder, made by `make widgets` from labkit/ui/widgets/front/. Besides the lab's own code\n" +
      "(ISC, see LICENSE at the top of the repository) it holds:\n",
  ];
  for (const name of packages) {
    const { version, license } = await about(name);
    const licence = await readFile(`node_modules/${name}/LICENSE`, "utf8");
    parts.push(`${name} ${version} (${license})\n\n${licence.trim().replace(/^/gm, "    ").replace(/ +$/gm, "")}\n`);
  }
  parts.push(`Bundled with esbuild ${(await about("esbuild")).version}.\n`);
  return parts.join("\n");
}

await bundle("../bundle", { entryPoints: ["src/terminal.js", "src/card.js", "src/progress.js"], format: "esm" });

const LAB = "../labextension";
await rm(LAB, { recursive: true, force: true });
await mkdir(`${LAB}/static`, { recursive: true });
const [entry] = await bundle(`${LAB}/static`, {
  entryPoints: { remoteEntry: "src/lab/index.js" },
  entryNames: "[name].[hash]", // so that no browser takes an old one for it
  format: "iife",
});
const manifest = {
  name: "unikernel-lab",
  version: JSON.parse(await readFile("package.json", "utf8")).version,
  description: "Colours OCaml in the cells of Unikernel Lab, and says which outputs went with their kernel.",
  license: "ISC",
  jupyterlab: { _build: { load: `static/${entry}`, extension: "./extension" } },
};
await writeFile(`${LAB}/package.json`, JSON.stringify(manifest, null, 2) + "\n");
