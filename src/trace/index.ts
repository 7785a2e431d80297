/* The trace as harts use it: events and the producer's side. The host takes drain.ts and sink.ts (Node) by name. */

export { EventId, Level } from './events.ts';
export { initTraceRing, traceRingBytes, Tracer } from './ring.ts';
