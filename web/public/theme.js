// Sets the theme before the first paint. A file of its own because inline scripts are forbidden.
(function () {
  var choice = null;
  try {
    choice = localStorage.getItem("bulkhead.theme");
  } catch (_) {
    /* storage may be switched off */
  }
  var dark = choice === "dark" || (choice !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
})();
