import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder of its own for one test, gone when it is over. */
export interface Folder extends AsyncDisposable {
  readonly path: string
  /** Writes a file into it; answers its path. */
  write(name: string, content: string | object): Promise<string>
}

export const temporaryFolder = async (): Promise<Folder> => {
  const path = await mkdtemp(join(tmpdir(), 'sluice-cli-'))
  return {
    path,
    write: async (name, content) => {
      const file = join(path, name)
      await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content, null, 2))
      return file
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  }
}

export const secrets = {
  META_TOKEN: 'meta-token-of-the-test',
  HOOK_SECRET: 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=',
}

/** What a small shop writes: an order page, Meta, and a webhook; addresses lead nowhere unless a test gives others. */
export const smallRules = (
  over: { readonly origin?: string; readonly hook?: string } = {},
): { readonly sites: readonly [Record<string, unknown>] } => ({
  sites: [
    {
      id: 'shop',
      hosts: ['shop.example.com'],
      origin: over.origin ?? 'http://127.0.0.1:9',
      currency: 'EUR',
      consent: { sources: ['_sw_consent'] },
      holdMs: 10_000,
      rules: [
        {
          id: 'order-placed',
          match: { path: '/order-received/:orderId', query: { status: 'paid' } },
          actions: [
            {
              type: 'fire_conversion_event',
              eventType: 'purchase',
              extract: {
                orderId: { param: 'orderId' },
                value: { selector: '.total' },
                email: { selector: '#email' },
              },
            },
          ],
        },
        {
          id: 'product-viewed',
          match: { path: '/products/*' },
          actions: [{ type: 'fire_conversion_event', eventType: 'view_content' }],
        },
      ],
      integrations: [
        {
          id: 'meta',
          platform: 'meta',
          config: { pixelId: '1234567890', accessToken: { $env: 'META_TOKEN' } },
        },
        {
          id: 'crm',
          platform: 'webhook',
          config: {
            url: over.hook ?? 'https://crm.example.com/hook',
            auth: { type: 'signature', secret: { $env: 'HOOK_SECRET' } },
          },
        },
      ],
    },
  ],
})
