import { defineConfig } from 'vitest/config'

/** Tests wait for conditions; how long a busy machine takes to fulfil them is no fault of theirs. */
export default defineConfig({ test: { testTimeout: 30_000, hookTimeout: 30_000 } })
