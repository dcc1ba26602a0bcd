import { expect, test } from 'vitest'
import { runSluice } from '../support/gateway-process.ts'

test(
  'the demo shows one shopping trip arriving at every platform, once, and ends by itself',
  { timeout: 60_000 },
  async () => {
    const { code, stdout, stderr } = await runSluice(['demo', '--once'])
    expect([code, stderr]).toEqual([0, ''])
    const received = (platform: string): readonly string[] =>
      stdout
        .split('\n')
        .filter((line) => line.startsWith(`${platform}  `))
        .sort()
    expect(received('Meta')).toEqual([
      expect.stringMatching(/Purchase +144\.45 EUR +D-/),
      expect.stringMatching(/ViewContent +79\.50 EUR +kettle/),
    ])
    expect(received('GA4')).toEqual([
      expect.stringMatching(/purchase +144\.45 EUR +D-/),
      expect.stringMatching(/view_item +79\.50 EUR/),
    ])
    expect(received('webhook')).toEqual([expect.stringMatching(/purchase +144\.45 EUR +D-.* signed/)])
    expect(stdout).toContain('Repeats the platforms had to drop: 0 at Meta, 0 at the webhook')
    // Who refused the banner is nowhere.
    expect(stdout).not.toMatch(/189\.00/)
  },
)
