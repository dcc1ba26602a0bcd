import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { machineFacts, missingTools } from './harness/machine.ts'
import { verdictTable, type Section } from './harness/report.ts'
import { backlog } from './sections/backlog.ts'
import { build } from './sections/build.ts'
import { forwarding } from './sections/forwarding.ts'
import { ingest } from './sections/ingest.ts'
import { memory } from './sections/memory.ts'
import { pages } from './sections/pages.ts'
import { reload } from './sections/reload.ts'
import { rules } from './sections/rules.ts'
import { latency } from './sections/latency.ts'
import { sizes } from './sections/sizes.ts'
import { skim } from './sections/skim.ts'
import { store } from './sections/store.ts'
import { tls } from './sections/tls.ts'
import { twoCores } from './sections/two-cores.ts'

/**
 * `npm run bench` measures everything and writes `bench/RESULTS.md`; `npm run bench -- rules skim` measures those sections
 * and only prints. `SLUICE_BENCH_SECONDS` (60) and `SLUICE_BENCH_BACKLOG` (1000000) make the loads of ingest and backlog
 * shorter, to see whether they work.
 */

const sections: Readonly<Record<string, (folder: string) => Promise<Section>>> = {
  forwarding,
  sizes,
  tls,
  'two-cores': twoCores,
  latency,
  rules,
  reload,
  pages,
  skim,
  store,
  build,
  ingest,
  backlog,
  memory,
}

const results = new URL('../../bench/RESULTS.md', import.meta.url)

const chosen = process.argv.slice(2)
const unknown = chosen.filter((name) => !Object.hasOwn(sections, name))
if (unknown.length > 0) {
  process.stderr.write(
    `there is no section ${unknown.join(', ')}; there are ${Object.keys(sections).join(', ')}\n`,
  )
  process.exit(2)
}

const print = (text: string): void => void process.stdout.write(`${text}\n`)

const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }))

const facts = await machineFacts()
const missing = missingTools()
const opening = [...facts.map((fact) => `- ${fact}`), ...(missing === null ? [] : ['', missing])].join('\n')
print(`${opening}\n`)

const begun = performance.now()
const done: Section[] = []
for (const [name, measure] of Object.entries(sections)) {
  if (chosen.length > 0 && !chosen.includes(name)) continue
  process.stderr.write(`measuring ${name} …\n`)
  const section = await measure(folder)
  done.push(section)
  print(`## ${section.title}\n\n${section.text}\n`)
}
const budgets = verdictTable(done.flatMap(({ verdicts }) => verdicts))
const took = `Measured in ${Math.round((performance.now() - begun) / 1_000)} s.`
print(`## Budgets\n\n${budgets}\n\n${took}`)

if (chosen.length === 0) {
  const body = done.map(({ title, text }) => `## ${title}\n\n${text}`).join('\n\n')
  await writeFile(
    results,
    `# Measurements\n\nWritten by \`npm run bench\`; not by hand.\n\n${opening}\n\n## Budgets\n\n${budgets}\n\n${body}\n\n${took}\n`,
  )
}
await rm(folder, { recursive: true, force: true })
