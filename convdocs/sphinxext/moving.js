// A button that stops the page's animations: each picture then takes its still one.
(function () {
  "use strict";
  var wish = "(prefers-reduced-motion: reduce)";
  document.addEventListener("DOMContentLoaded", function () {
    var stills = document.querySelectorAll('picture > source[media="' + wish + '"]');
    var title = document.querySelector("h1");
    if (!stills.length || !title || window.matchMedia(wish).matches) {
      return;
    }
    var button = document.createElement("button");
    button.type = "button";
    button.className = "conv-still";
    button.textContent = "Stop the animations";
    button.style.cssText =
      "position: fixed; right: 1rem; bottom: 1rem; z-index: 1; padding: 0.3em 0.8em;" +
      "font: inherit; color: inherit; background: var(--color-background-primary, Canvas);" +
      "border: 1px solid currentColor; border-radius: 0.3em; cursor: pointer";
    button.addEventListener("click", function () {
      var still = button.textContent.indexOf("Stop") === 0;
      button.textContent = still ? "Start the animations" : "Stop the animations";
      stills.forEach(function (source) {
        source.media = still ? "all" : wish;
      });
    });
    title.after(button);
  });
})();
