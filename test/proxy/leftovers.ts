import type { Gateway } from './support.ts'

const connectionsOf = (gateway: Gateway): Promise<number> =>
  new Promise((resolve, reject) => {
    gateway.proxy.server.getConnections((error, count) => (error ? reject(error) : resolve(count)))
  })

/** True once no socket of a visitor is open and none is in the books; waits for it, and a test that leaks ends by its time. */
export const nothingLeft = async (gateway: Gateway): Promise<boolean> => {
  for (;;) {
    const { active, webSockets } = gateway.proxy.stats
    if ((await connectionsOf(gateway)) + active + webSockets === 0) return true
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
