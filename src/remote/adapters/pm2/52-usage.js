// What processes use now. pm2's own figures (`monit`) are 0 where it does not know, and of a time that it does not say: since
// somebody last asked, or since the start.

// `{cpu, memory}` of each that is there, with all that it started: processor time in percent of one processor over half a
// second, and memory in bytes; `-` for what is not known. The time of a process that ends goes to the one that waits for it,
// so it is counted with that one.
async function usageOf(pids) {
  const found = new Map();
  if (pids.length === 0) return found;
  const before = ticksOf(pids);
  const since = process.uptime();
  await sleep(500);
  const now = ticksOf(pids);
  const lasted = process.uptime() - since;
  for (const [pid, one] of now) {
    const first = before.get(pid);
    // A tick is a hundredth of a second wherever programs are told of ticks.
    const cpu = first && first.start === one.start && one.ticks >= first.ticks ? Math.round((one.ticks - first.ticks) / lasted) : '-';
    found.set(pid, { cpu, memory: memoryOf(one.members) });
  }
  return found;
}

// `{start, ticks, members}` of each: of it, and of the processes to which none of the others is nearer.
function ticksOf(pids) {
  const processes = new Map();
  for (const pid of fs.readdirSync('/proc').filter((entry) => /^[0-9]+$/.test(entry))) {
    const stat = readOr('/proc/' + pid + '/stat', '');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields.length < 20) continue;
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    processes.set(Number(pid), { parent: Number(fields[1]), start: fields[19], ticks });
  }
  const found = new Map();
  for (const pid of pids) if (processes.has(pid)) found.set(pid, { start: processes.get(pid).start, ticks: 0, members: [] });
  for (const [pid, one] of processes) {
    let at = pid;
    for (let steps = 0; processes.has(at) && !found.has(at) && steps < 1000; steps++) at = processes.get(at).parent;
    if (!found.has(at)) continue;
    found.get(at).ticks += one.ticks;
    found.get(at).members.push(pid);
  }
  return found;
}

function memoryOf(pids) {
  const resident = (pid) => Number((/^VmRSS:\s*([0-9]+) kB$/m.exec(readOr('/proc/' + pid + '/status', '')) || [])[1] || 0);
  const sum = pids.reduce((all, pid) => all + resident(pid), 0);
  return sum > 0 ? sum * 1024 : '-';
}
