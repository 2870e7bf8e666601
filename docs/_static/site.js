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

// Pictures to step through: one at a time, with a slider and buttons. Without scripts all are shown.
document.addEventListener("DOMContentLoaded", function () {
  "use strict";
  document.querySelectorAll(".steps").forEach(function (box) {
    var frames = Array.from(box.querySelectorAll("figure"));
    var last = frames.length - 1;
    var slider = Object.assign(document.createElement("input"), { type: "range", min: 0, max: last, value: 0 });
    slider.setAttribute("aria-label", "Step");
    function show() {
      frames.forEach(function (frame, at) {
        frame.hidden = at !== Number(slider.value);
      });
      slider.setAttribute("aria-valuetext", Number(slider.value) + 1 + " of " + frames.length);
    }
    function button(label, name, by) {
      var made = Object.assign(document.createElement("button"), { type: "button", textContent: label, title: name });
      made.setAttribute("aria-label", name);
      made.addEventListener("click", function () {
        slider.value = Math.max(0, Math.min(last, Number(slider.value) + by));
        show();
      });
      return made;
    }
    box.querySelector(".steps-bar").append(button("◂", "Step back", -1), slider, button("▸", "Step on", 1));
    slider.addEventListener("input", show);
    box.classList.add("steps-ready");
    show();
  });
});
