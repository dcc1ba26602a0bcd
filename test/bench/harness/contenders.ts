import { cores, findTool } from './machine.ts'
import { startGateway } from './gateway.ts'
import { page, type Origin } from './origin.ts'
import { freePort, type Running } from './processes.ts'
import { usualRules } from './rule-sets.ts'
import { expectPage } from './wrk.ts'
import { oneCore, rivalsHere, type Shape } from '../rivals/index.ts'

/** Sluice and the rivals in front of one origin, each in a process of its own that serves before it is measured. */

export interface Contender {
  readonly name: string
  readonly port: number
  readonly running: Running
}

export const sluice = 'Sluice, 1 000 rules'
export const allCores = cores === 1 ? '0' : `0-${cores - 1}`

/** How tables of every section name themselves and us. */
export const bold = (name: string): string => (name === sluice ? `**${name}**` : name)

export const missingWrk = (): string | null =>
  findTool('wrk') === null ? 'Left out: wrk is not installed.' : null

/** They end with the stack. With TLS only those that can do it. */
export const startContenders = async (
  stack: AsyncDisposableStack,
  { folder, name, origin }: { readonly folder: string; readonly name: string; readonly origin: Origin },
  shape: Shape = oneCore,
): Promise<readonly Contender[]> => {
  const contenders: Contender[] = []
  for (const rival of rivalsHere()) {
    if (shape.tls !== null && !rival.tls) continue
    const port = await freePort()
    const running = stack.use(await rival.start(folder, origin.url, port, shape))
    contenders.push({ name: rival.name, port, running })
  }
  const rules = usualRules(1_000).rules
  const gateway = stack.use(await startGateway({ name, folder, origin: origin.url, rules, shape }))
  contenders.push({
    name: sluice,
    port: shape.tls === null ? gateway.port : gateway.tlsPort,
    running: gateway.running,
  })
  for (const { running, port } of contenders)
    await expectPage(running, port, '/1k', page('1k'), shape.tls !== null)
  return contenders
}
