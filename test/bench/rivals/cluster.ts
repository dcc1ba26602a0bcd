import cluster from 'node:cluster'

/** A rival that knows one core, on several: `node cluster.ts <workers> <script> <its arguments>`. */
const [workers = '', exec = '', ...args] = process.argv.slice(2)
cluster.setupPrimary({ exec, args })
for (let index = 0; index < Number(workers); index += 1) cluster.fork()
