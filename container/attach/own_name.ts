/**
 * The name that a container has of its own, before anybody gives it one on the network.
 *
 * ```
 *   web                  its host name, with a domain of its own        web.weave.local
 *   pid:1234             the host name that the process sees            db            ->  db.weave.local
 *   netns:/run/netns/x   what somebody called the namespace             x             ->  x.weave.local
 * ```
 *
 * @module
 */

/** Where `ip netns` keeps namespaces; in other directories the name of a file is chosen by a program. */
const NAMED = /^(?:\/var)?\/run\/netns\/([^/]+)$/;
/** A container engine calls each host so that was not given a name. */
const INVENTED = /^[0-9a-f]{12}$/;
/** Names of no host in particular. */
const NOBODY = ["", "(none)", "localhost"];

/** Returns what somebody called a namespace; `undefined` if nobody did. */
export function namespaceName(path: string): string | undefined {
  return NAMED.exec(path)?.[1];
}

/**
 * Returns the name under which a container is registered; `undefined` if its own is nobody's choice.
 *
 * @param name a bare one is put into the domain; one with a domain keeps that
 * @param domain with a dot at its end
 */
export function fullName(name: string, domain: string): string | undefined {
  const bare = name.replace(/\.$/, "");
  if (NOBODY.includes(bare) || INVENTED.test(bare)) return undefined;
  return bare.includes(".") ? bare : `${bare}.${domain}`;
}
