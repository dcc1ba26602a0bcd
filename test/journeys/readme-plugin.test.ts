import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { request } from 'undici'
import { expect, test } from 'vitest'
import { startHttpOrigin } from '../origins/http-origin.ts'
import { startWebhook } from '../platforms/webhook.ts'
import { until } from '../support/until.ts'
import { env, folderOfItsOwn, rulesBefore } from './hosts.ts'
import { browser, thanksPage } from './scene.ts'

/** The README's example of the plugin, word for word but for its port and its origin, as somebody's own program. */

const root = join(import.meta.dirname, '../..')

const exampleOf = (readme: string): string => {
  const blocks = [...readme.matchAll(/```js\n([^]*?)```/g)].map(([, code = '']) => code)
  const found = blocks.filter((code) => code.includes("from 'sluice'"))
  expect(found).toHaveLength(1)
  return found[0] ?? ''
}

const put = (code: string, from: string, to: string): string => {
  expect(code.split(from)).toHaveLength(2)
  return code.replace(from, to)
}

test(
  'the README’s example reports an order of a real shop and stops when told to',
  { timeout: 60_000 },
  async () => {
    const page = thanksPage('A-1', { email: 'ann@example.com', phone: '' })
    await using origin = await startHttpOrigin((_req, res) => {
      res.writeHead(200, { 'content-type': 'text/html' }).end(page)
    })
    await using hook = await startWebhook()
    await using folder = await folderOfItsOwn()

    // As `npm install` of a folder leaves it: links below node_modules.
    await mkdir(join(folder.path, 'node_modules'))
    await symlink(root, join(folder.path, 'node_modules/sluice'))
    await symlink(join(root, 'node_modules/http-proxy-3'), join(folder.path, 'node_modules/http-proxy-3'))
    await writeFile(join(folder.path, 'rules.json'), JSON.stringify(rulesBefore(origin.url, hook.url)))
    const example = exampleOf(await readFile(join(root, 'README.md'), 'utf8'))
    const code = put(put(example, 'http://localhost:3000', origin.url), '8080', "0, '127.0.0.1'")
    await writeFile(
      join(folder.path, 'server.mjs'),
      `${code}\nprocess.stdout.write(\`port \${server.address().port}\\n\`)\n`,
    )

    const child = spawn(process.execPath, ['server.mjs'], {
      cwd: folder.path,
      env: { PATH: process.env['PATH'] ?? '', ...env },
    })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
    const ended = once(child, 'close')
    try {
      const port = await until(
        () => ({ port: /^port (\d+)$/m.exec(output)?.[1], output, code: child.exitCode }),
        (seen) => seen.port !== undefined || seen.code !== null,
      )
      expect(port).toMatchObject({ code: null })
      const answer = await request(`http://127.0.0.1:${port.port}/order-received/A-1`, {
        headers: { ...browser, cookie: '_sw_consent=all' },
      })
      expect(await answer.body.text()).toBe(page)
      await until(
        () => hook.received,
        (received) => received.length === 1,
      )
      expect(hook.received[0]!.json).toMatchObject({
        eventType: 'purchase',
        customData: { orderId: 'A-1', value: 129.9 },
      })
    } finally {
      child.kill('SIGTERM')
    }
    expect(await ended).toEqual([0, null])
    expect(output).not.toMatch(/ann@example\.com|Error/)
  },
)
