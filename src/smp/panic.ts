/** A bug in the kernel: stops the whole machine with a report (machine check). Never thrown for anything a guest does. */
export class KernelPanic extends Error {
  override readonly name = 'KernelPanic';
}
