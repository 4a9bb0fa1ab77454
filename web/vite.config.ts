// Build of the interface. Its one idea: what comes out runs under a strict content security
// policy (no inline script, no injected <style>), so two libraries are tamed here: sonner's
// self-injected style sheet is cut out (it is imported as a file in main.tsx) and the scroll
// lock that Radix uses is replaced by one that toggles a class.
import { fileURLToPath } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

const source = (path: string) => fileURLToPath(new URL(`./src/${path}`, import.meta.url));

function sonnerWithoutInjectedStyle(): Plugin {
  return {
    name: "sonner-without-injected-style",
    enforce: "pre",
    transform(code, id) {
      if (!/sonner\/dist\/index\.mjs/.test(id)) return null;
      const cut = code.replace(/^__insertCSS\("(?:[^"\\]|\\.)*"\);?$/m, "");
      if (cut === code) throw new Error("sonner: the style injection was not found");
      return { code: cut, map: null };
    },
  };
}

const server = process.env.BULKHEAD_SERVER ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [sonnerWithoutInjectedStyle(), react(), tailwindcss()],
  resolve: {
    alias: [
      { find: /^react-remove-scroll$/, replacement: source("patterns/scroll-lock.tsx") },
      { find: /^@\//, replacement: `${source("")}` },
    ],
  },
  optimizeDeps: { exclude: ["sonner"] },
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
  server: {
    proxy: {
      "/api": server,
      "/v1": server,
      "/dev/mail/messages": server,
      "/socket.io": { target: server, ws: true },
    },
  },
});
