// Steps through the frames of a picture, or plays them once; nothing moves until it is asked to.
(function () {
  "use strict";
  function button(label, name, act) {
    var made = document.createElement("button");
    made.type = "button";
    made.textContent = label;
    made.setAttribute("aria-label", name);
    made.title = name;
    made.addEventListener("click", act);
    return made;
  }
  function start(figure) {
    var data = JSON.parse(figure.querySelector('script[type="application/json"]').textContent);
    var last = data.words.length - 1, at = 0, timer = 0;
    var words = figure.querySelector(".cv-words");
    var calm = window.matchMedia && window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    var bar = document.createElement("div");
    var slider = document.createElement("input");
    var count = document.createElement("output");
    function place(name, path) {
      figure.querySelectorAll("path." + name).forEach(function (shape) {
        shape.setAttribute("d", path);
      });
    }
    function show(number) {
      at = Math.max(0, Math.min(last, number));
      Object.keys(data.paths).forEach(function (name) {
        place(name, data.paths[name][at]);
      });
      place("cv-lit", data.paths["cv-cell"][at]);
      place("cv-later", data.paths["cv-cell"].slice(at + 1).join(""));
      words.textContent = data.words[at];
      slider.value = at;
      slider.setAttribute("aria-valuetext", at + 1 + " of " + (last + 1));
      count.textContent = at + 1 + " of " + (last + 1);
      figure.dispatchEvent(new CustomEvent("cv-frame", { bubbles: true, detail: at }));
    }
    function stop() {
      clearInterval(timer);
      timer = 0;
      words.setAttribute("aria-live", "polite");
      play.textContent = "▶";
      play.title = "Play";
      play.setAttribute("aria-label", "Play");
    }
    function step(by) {
      stop();
      show(at + by);
    }
    function toggle() {
      if (timer) {
        stop();
        return;
      }
      words.removeAttribute("aria-live"); // a voice can't keep up
      show(at === last ? 0 : at);
      timer = setInterval(function () {
        show(at + 1);
        if (at === last || !document.contains(figure)) {
          stop();
        }
      }, data.interval);
      play.textContent = "❚❚";
      play.title = "Pause";
      play.setAttribute("aria-label", "Pause");
    }
    var play = button("▶", "Play", toggle);
    bar.className = "cv-controls";
    bar.style.maxWidth = Math.max(figure.querySelector("svg").width.baseVal.value, 310) + "px"; // the picture's
    bar.setAttribute("role", "group");
    bar.setAttribute("aria-label", "Steps");
    slider.type = "range";
    slider.min = 0;
    slider.max = last;
    slider.setAttribute("aria-label", "Step");
    slider.addEventListener("input", function () {
      stop();
      show(Number(slider.value));
    });
    bar.addEventListener("keydown", function (event) {
      var by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (by && event.target !== slider) {
        event.preventDefault();
        step(by);
      }
    });
    if (!calm) {
      bar.append(play);
    }
    bar.append(
      button("‹", "Step back", function () { step(-1); }),
      button("›", "Step forward", function () { step(1); }),
      slider,
      count
    );
    words.before(bar);
    stop();
    show(0);
  }
  function all() {
    document.querySelectorAll(".cv-player:not([data-ready])").forEach(function (figure) {
      figure.dataset.ready = "";
      start(figure);
    });
  }
  if (document.readyState === "loading") {
    document.addEventListener("DOMContentLoaded", all);
  } else {
    all();
  }
})();
