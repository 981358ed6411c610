// Builds one script per folder of src/ that has a main.ts or main.tsx, into the site's static files. The pages find them by manifest.json.
import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

const entries = Object.fromEntries(
  readdirSync(here("src"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => {
      const main = ["main.ts", "main.tsx"].map((file) => here(`src/${name}/${file}`)).find(existsSync);
      return main ? [[name, main] as const] : [];
    }),
);

export default defineConfig({
  base: "/static/built/",
  esbuild: { jsx: "automatic", legalComments: "none" },
  build: {
    outDir: here("../src/kundenkreis/site/static/built"),
    emptyOutDir: true,
    manifest: "manifest.json",
    assetsInlineLimit: 0, // data: addresses would break the content security policy
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
    rollupOptions: { input: entries },
  },
});
