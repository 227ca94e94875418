// Preloaded into a subject when memory is measured: on SIGUSR2 it collects garbage, then says what is left. Nothing else
// about the subject changes, and every subject gets the same.
process.on('SIGUSR2', () => {
  globalThis.gc();
  globalThis.gc();
  // Freed pages go back to the system on a helper thread: the figures are read a little later.
  setTimeout(() => {
    const { rss, heapUsed } = process.memoryUsage();
    console.log(JSON.stringify({ event: 'memory', rss, heapUsed }));
  }, 200);
});
