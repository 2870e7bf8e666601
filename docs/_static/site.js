// What scrolls sideways can be reached with the keyboard.
(function () {
  "use strict";
  function mark() {
    document.querySelectorAll("pre, .table-wrapper, figure.conv-picture, div.math").forEach(function (box) {
      if (box.scrollWidth > box.clientWidth + 1) {
        box.setAttribute("tabindex", "0");
      } else {
        box.removeAttribute("tabindex");
      }
    });
  }
  document.addEventListener("DOMContentLoaded", mark);
  window.addEventListener("load", mark);
  window.addEventListener("resize", mark);
})();
