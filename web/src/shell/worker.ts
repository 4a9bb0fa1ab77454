// Registers the service worker. Its address passes a Trusted Types policy where the browser has
// them, because the server's content policy asks for that.
interface ScriptUrlPolicy {
  createScriptURL: (url: string) => string;
}
interface TrustedTypes {
  createPolicy: (name: string, rules: ScriptUrlPolicy) => ScriptUrlPolicy;
}

export function registerWorker(): void {
  if (!("serviceWorker" in navigator)) return;
  const trusted = (window as { trustedTypes?: TrustedTypes }).trustedTypes;
  const policy = trusted?.createPolicy("bulkhead-worker", {
    createScriptURL: (url) => {
      if (url !== "/sw.js") throw new TypeError("only the service worker of this site");
      return url;
    },
  });
  window.addEventListener("load", () => {
    void navigator.serviceWorker.register(policy ? policy.createScriptURL("/sw.js") : "/sw.js").catch(() => undefined);
  });
}
