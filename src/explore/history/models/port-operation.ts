/*
 * The operations of a history of VROS ports, and what they say.
 *
 *   create   {process}                            → id, -ENOSPC
 *   destroy  {process, port}                      → 0, -ENOENT, -EPERM
 *   send     {process, port, type, tag, wait}     → 0, -ENOENT, -EMSGSIZE, -EAGAIN, -EIDRM, -EFAULT
 *   receive  {process, port, wait}                → {sender, type, tag}, -ENOENT, -EPERM, -EAGAIN, -EIDRM, -ETIMEDOUT, -EFAULT
 *   name     {port}                               → tagged name, -ENOENT
 *   stat     {port}                               → {owner, queued}, -ENOENT
 *
 * `process` is a process id (not 0), `port` an id or a tagged name, `tag` stands for the data (the data itself, a hash, or a number in it: the more of
 * them differ, the more is seen), `wait` is 'no', 'yes' or 'deadline'. A send may tell its `size` in bytes. -EINVAL (bad flags) is always
 * possible, -EINTR never: a thread that is killed in a call does not return from it, the operation is pending.
 */

import { E, errnoName } from '../../../kernel/errno.ts';
import type { Operation, Scalar, Value } from '../operation.ts';

/** A message as a key: those with the same one cannot be told apart. */
export const messageKey = (sender: Scalar, type: Scalar, tag: Scalar): string => `${sender}/${type}/${tag}`;

/** The message of each send or receive that has been asked for: the search asks at every step. */
const messages = new WeakMap<Operation, string>();

/** The message that a send sends. */
export function sentMessage(operation: Operation): string {
  const known = messages.get(operation);
  if (known !== undefined) return known;
  const { process, type, tag } = operation.args;
  const message = messageKey(process!, type!, tag!);
  messages.set(operation, message);
  return message;
}

/** The message that a receive brought; undefined: none, or it is not known. */
export function receivedMessage(operation: Operation): string | undefined {
  const { name, result } = operation;
  if (name !== 'receive' || typeof result !== 'object') return undefined;
  const known = messages.get(operation);
  if (known !== undefined) return known;
  const message = messageKey(result.sender!, result.type!, result.tag!);
  messages.set(operation, message);
  return message;
}

/** A message for people. */
export function messageText(key: string): string {
  const [sender, type, ...tag] = key.split('/');
  return `"${tag.join('/')}" of type ${type!} from process ${sender!}`;
}

/** An operation for people: `receive(port 3) → EAGAIN`. */
export function portText(operation: Operation): string {
  const { name, args, result } = operation;
  const said = Object.entries(args).flatMap(([key, value]) => {
    if (key === 'process') return [];
    if (key === 'wait') return value === 'no' ? [] : [value === 'yes' ? 'waits' : 'waits until deadline'];
    return [key === 'tag' ? JSON.stringify(String(value)) : `${key} ${value}`];
  });
  return `${name}(${said.join(', ')}) → ${resultText(operation, result)}`;
}

function resultText(operation: Operation, result: Value | undefined): string {
  if (result === undefined) return operation.end === Infinity ? 'did not return' : '?';
  if (typeof result === 'number' && result < 0) return errnoName(result);
  const message = receivedMessage(operation);
  if (message !== undefined) return messageText(message);
  if (typeof result !== 'object') return String(result);
  return Object.entries(result)
    .map(([key, value]) => `${key} ${value}`)
    .join(', ');
}

/** What an operation is about: its message, or the life of the port. */
export function portSubjects(operation: Operation): string[] {
  const { name, result } = operation;
  if (name === 'create' || name === 'destroy') return ['life'];
  if (result === -E.IDRM || result === -E.NOENT || result === -E.PERM) return ['life'];
  if (name === 'send') return [`message ${sentMessage(operation)}`];
  const message = receivedMessage(operation);
  return message === undefined ? [] : [`message ${message}`];
}
