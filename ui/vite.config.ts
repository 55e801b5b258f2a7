import { defineConfig } from "vitest/config";
import { mockGateway } from "./dev/mock_gateway.ts";

// With TOLLSPAN_GATEWAY set, `npm run dev` and `npm run preview` talk to that gateway instead of the mock.
const gateway = process.env.TOLLSPAN_GATEWAY;
const proxy = gateway ? { "/api": { target: gateway } } : {};

export default defineConfig({
  base: "/ui/",
  plugins: gateway ? [] : [mockGateway()],
  server: { proxy },
  preview: { proxy },
  build: {
    outDir: "../src/tollspan/gateway/web/static",
    emptyOutDir: true,
    target: ["chrome123", "firefox121", "safari17.5"],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  test: {
    include: ["tests/**/*.test.ts"],
  },
});
