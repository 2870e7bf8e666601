// Checks the answers of a page's exercises. Progress is kept in this browser and goes nowhere.
(function () {
  "use strict";
  var KEY = "convdocs exercises";

  function kept() {
    try {
      return JSON.parse(window.localStorage.getItem(KEY)) || {};
    } catch (error) {
      return {};
    }
  }

  function keep(solved) {
    try {
      window.localStorage.setItem(KEY, JSON.stringify(solved));
    } catch (error) {
      // a browser that stores nothing checks the answers all the same
    }
  }

  function element(name, settings, parts) {
    var made = Object.assign(document.createElement(name), settings);
    (parts || []).forEach(function (part) {
      made.append(part);
    });
    return made;
  }

  // "1,200", "1 200", "−3", "1/9" and ".5" are numbers
  function number(text) {
    var plain = text.trim().replace(/−/g, "-").replace(/(\d)[, ](?=\d{3}(?!\d))/g, "$1");
    var parts = plain.split("/");
    var values = parts.map(function (part) {
      return part.trim() === "" ? NaN : Number(part);
    });
    return parts.length === 2 ? values[0] / values[1] : parts.length === 1 ? values[0] : NaN;
  }

  function row(text) {
    return text
      .replace(/[()[\]]/g, " ")
      .split(/[,;×x\s]+/)
      .filter(Boolean)
      .map(number);
  }

  function near(given, right, within) {
    if (within === null) {
      within = Number.isInteger(right) ? 1e-9 : Math.abs(right) / 100;
    }
    return Math.abs(given - right) <= within + 1e-12;
  }

  // one field: its label, and a function that says what is wrong with what is in it, or ""
  function field(label, right, within) {
    var many = Array.isArray(right);
    var input = element("input", { type: "text", autocomplete: "off", spellcheck: false });
    input.className = many ? "conv-row" : "";
    input.placeholder = many ? "numbers, commas between" : "";
    return {
      box: element("label", {}, [label, input]),
      wrong: function () {
        if (!input.value.trim()) {
          return "Write your answer first.";
        }
        var given = many ? row(input.value) : [number(input.value)];
        var wanted = many ? right : [right];
        if (given.some(Number.isNaN)) {
          return many ? "Write numbers with commas between." : "Write a number.";
        }
        if (given.length !== wanted.length) {
          return "You gave " + given.length + " numbers. The answer has another count.";
        }
        return given.every(function (value, at) {
          return near(value, wanted[at], within);
        })
          ? ""
          : "Not yet.";
      },
    };
  }

  function choice(list, name, choices, right) {
    var set = element("fieldset", { ariaLabel: "Choose one" }, []);
    var items = Array.from(list.children);
    items.forEach(function (item, at) {
      var input = element("input", { type: "radio", name: name, value: String(at) });
      var words = item.querySelector("p") || item;
      set.append(element("label", {}, [input, element("span", { innerHTML: words.innerHTML })]));
    });
    list.remove();
    return {
      box: set,
      wrong: function () {
        var taken = set.querySelector("input:checked");
        if (!taken) {
          return "Choose one first.";
        }
        return choices[Number(taken.value)] === right ? "" : "Not this one.";
      },
    };
  }

  function fields(box, asked) {
    var right = asked.answer;
    if (typeof right === "string") {
      return [choice(box.querySelector(".conv-choices"), box.id, asked.choices, right)];
    }
    if (typeof right === "object" && !Array.isArray(right)) {
      return Object.keys(right).map(function (label) {
        return field(label, right[label], asked.within);
      });
    }
    return [field("Answer", right, asked.within)];
  }

  function verdict(faults) {
    var wrong = faults.filter(Boolean);
    if (!wrong.length) {
      return "Right.";
    }
    if (faults.length > 1 && wrong.length < faults.length) {
      return faults.length - wrong.length + " of " + faults.length + " are right so far.";
    }
    return wrong[0];
  }

  function prepare(place) {
    var box = place.closest(".exercise");
    var asked = JSON.parse(place.dataset.exercise);
    var name = asked.page + "#" + box.id;
    var answers = fields(box, asked);
    var output = element("output", {});
    var form = element("form", {}, answers.map(function (one) {
      return one.box;
    }));
    form.append(element("button", { textContent: "Check" }), output);
    form.addEventListener("submit", function (event) {
      event.preventDefault();
      var faults = answers.map(function (one) {
        return one.wrong();
      });
      var right = !faults.some(Boolean);
      var hint = box.querySelector(".conv-hint");
      output.textContent = verdict(faults);
      if (!right && hint && !hint.open && faults.some(function (fault) { return /^Not/.test(fault); })) {
        output.textContent += " There is a hint below.";
      }
      if (right) {
        var solved = kept();
        solved[name] = 1;
        keep(solved);
        show();
      }
    });
    place.append(form);
    return { box: box, name: name };
  }

  var exercises = [];
  var line;

  function show() {
    var solved = kept();
    var count = 0;
    exercises.forEach(function (one) {
      one.box.classList.toggle("conv-right", one.name in solved);
      count += one.name in solved;
    });
    line.firstChild.textContent =
      "Solved on this page: " + count + " of " + exercises.length + ". Kept in this browser only. ";
    line.lastChild.hidden = !Object.keys(solved).length;
  }

  document.addEventListener("DOMContentLoaded", function () {
    exercises = Array.from(document.querySelectorAll(".conv-ask")).map(prepare);
    if (!exercises.length) {
      return;
    }
    var clear = element("button", { type: "button", textContent: "Clear my progress" });
    clear.addEventListener("click", function () {
      keep({});
      show();
    });
    line = element("p", { className: "conv-progress" }, [element("span", {}), clear]);
    exercises[exercises.length - 1].box.after(line);
    show();
  });
})();
