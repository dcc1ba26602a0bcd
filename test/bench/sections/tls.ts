import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import certificates from '../../certificates/certificates.json' with { type: 'json' }
import { bold, startContenders, type Contender } from '../harness/contenders.ts'
import { loadTls, type Protocol } from '../harness/h2load.ts'
import { findTool } from '../harness/machine.ts'
import { median, show } from '../harness/numbers.ts'
import { startOrigin } from '../harness/origin.ts'
import { table, type Section } from '../harness/report.ts'
import { inTurn } from '../harness/rounds.ts'
import { oneCore } from '../rivals/index.ts'

/** What TLS in front costs, beside those who can end it themselves. */

const rounds = 3
const seconds = 2
const protocols: readonly Protocol[] = ['HTTP/2', 'HTTP/1.1']

export const tls = async (folder: string): Promise<Section> => {
  const title = 'Forwarding over TLS: 1 KB answers, one core'
  if (findTool('h2load') === null) return { title, text: 'Left out: h2load is not installed.', verdicts: [] }

  await using stack = new AsyncDisposableStack()
  const origin = stack.use(await startOrigin(folder))
  const home = join(folder, 'certificate')
  await mkdir(home, { recursive: true })
  const files = { cert: join(home, 'shop.crt'), key: join(home, 'shop.key') }
  await writeFile(files.cert, certificates.shop.cert)
  await writeFile(files.key, certificates.shop.key)
  const contenders = await startContenders(stack, { folder, name: 'tls', origin }, { ...oneCore, tls: files })
  const tables: string[] = []
  for (const protocol of protocols) {
    const measure = ({ port, running }: Contender) =>
      loadTls(running, { port, path: '/1k', protocol, seconds })
    await inTurn(contenders, 1, measure)
    const measured = await inTurn(contenders, rounds, measure)
    const rows = contenders
      .map((one) => ({ name: one.name, all: measured.get(one) ?? [] }))
      .toSorted(
        (a, b) =>
          median(b.all.map((round) => round.requestsPerSecond)) -
          median(a.all.map((round) => round.requestsPerSecond)),
      )
      .map(({ name, all }) => [
        bold(name),
        show(median(all.map((round) => round.requestsPerSecond))),
        show(median(all.map((round) => round.cpuMicros))),
        `${Math.round(median(all.map((round) => round.coreShare)) * 100)} %`,
      ])
    tables.push(table([protocol, 'requests/s', 'CPU µs/request', 'core used'], rows))
  }
  return {
    title,
    text: `Over 64 kept connections, by h2load, on HTTP/2 with 4 requests at a time on each; ${rounds} rounds of ${seconds} s in turn after one to warm up. The handshakes are at the beginning of each round and count. Those of Node without TLS of their own are left out.

${tables.join('\n\n')}`,
    verdicts: [],
  }
}
