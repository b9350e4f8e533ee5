// What a page shows, measured in the page: contrasts as WCAG 2 defines them, sizes, and what lies over what.
globalThis.audit = (() => {
  const parsed = (colour) => {
    const [red, green, blue, alpha = 1] = colour.match(/[\d.]+/g).map(Number);
    return {red, green, blue, alpha};
  };

  const luminance = ({red, green, blue}) => {
    const [r, g, b] = [red, green, blue]
      .map((part) => part / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };

  const contrast = (one, other) => {
    const [dark, light] = [one, other].map((colour) => luminance(parsed(colour))).sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };

  const isSvg = (element) => element instanceof SVGElement;

  // What an element paints at a place where it was hit; null where it lets shine through what is behind it.
  const paint = (element) => {
    const style = getComputedStyle(element);
    if (!isSvg(element)) return parsed(style.backgroundColor).alpha ? style.backgroundColor : null;
    if (!["rect", "path", "line", "circle"].includes(element.localName)) return null;
    return style.fill === "none" ? style.stroke : style.fill;
  };

  // What is painted behind an element at a place; null where the element itself is not to be seen.
  const backgroundAt = (element, x, y) => {
    const hit = document.elementsFromPoint(x, y);
    return hit.some((one) => one.contains(element)) ? hit.map(paint).find(Boolean) : null;
  };

  const drawn = () => {
    const walker = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
    const found = [];
    while (walker.nextNode()) {
      const {currentNode: node} = walker;
      const range = document.createRange();
      range.selectNodeContents(node);
      const element = node.parentElement;
      // What is in a closed part has a place too, but is not shown.
      if (node.data.trim() && range.getClientRects().length && element.checkVisibility()) found.push({range, element});
    }
    return found;
  };

  const sizeOf = (element) =>
    parseFloat(getComputedStyle(element).fontSize) * (isSvg(element) ? element.getScreenCTM().a : 1);

  const sizes = () => drawn().map(({range, element}) => ({text: range.toString(), size: sizeOf(element)}));

  // What is behind the beginning, the middle and the end of the first line of a text.
  const backgrounds = ({range, element}) => {
    const {left, right, top, height} = range.getClientRects()[0];
    return [left + 1, (left + right) / 2, right - 1].map((x) => backgroundAt(element, x, top + height / 2));
  };

  // Every text that is shown, with the least contrast to what is behind it; 0 for one that cannot be seen at all.
  const texts = () =>
    drawn().map(({range, element}) => {
      const style = getComputedStyle(element);
      const colour = isSvg(element) ? style.fill : style.color;
      let behind = backgrounds({range, element});
      if (behind.includes(null)) {
        element.scrollIntoView({block: "center", inline: "center"});
        behind = backgrounds({range, element});
      }
      const ratio = Math.min(...behind.map((background) => (background ? contrast(colour, background) : 0)));
      // Large is what has 18 points, or 14 in bold: 24 and 18.66 pixels.
      const isLarge = sizeOf(element) >= (Number(style.fontWeight) >= 600 ? 18.66 : 24);
      return {text: range.toString(), ratio, needed: isLarge ? 3 : 4.5};
    });

  // What has to be seen to understand a picture, with its contrast to the picture's ground.
  const graphics = () =>
    [...document.querySelectorAll(".line,.tip,.bar,.box,.around")].map((element) => {
      const style = getComputedStyle(element);
      const ground = getComputedStyle(element.ownerSVGElement.querySelector(".panel")).fill;
      const colour = style.stroke === "none" ? style.fill : style.stroke;
      return {kind: element.getAttribute("class"), ratio: contrast(colour, ground)};
    });

  const meet = (one, other) =>
    one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;

  // Pairs of boxes, and pairs of texts, that cover each other in one picture.
  const covering = () =>
    [...document.querySelectorAll("svg")].flatMap((svg) =>
      ["g.node > rect", "text"].flatMap((selector) => {
        const all = [...svg.querySelectorAll(selector)];
        const boxes = all.map((element) => element.getBoundingClientRect());
        return all.flatMap((one, at) =>
          all.slice(at + 1)
            .filter((_, after) => meet(boxes[at], boxes[at + 1 + after]))
            .map((other) => [one, other].map((element) => element.parentElement.textContent)),
        );
      }),
    );

  // Names that are wider than their boxes.
  const spilling = () =>
    [...document.querySelectorAll("g.node")].flatMap((node) => {
      const box = node.querySelector("rect").getBoundingClientRect();
      return [...node.querySelectorAll("text")]
        .filter((text) => {
          const {left, right} = text.getBoundingClientRect();
          return left < box.left || right > box.right;
        })
        .map((text) => text.textContent);
    });

  // What sticks out of the window without lying in something that scrolls.
  const outside = () =>
    [...document.body.querySelectorAll("*")]
      .filter((element) => !element.parentElement.closest(".scroll"))
      .filter((element) => element.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5)
      .map((element) => element.outerHTML.slice(0, 80));

  const wide = () => [...document.querySelectorAll("*")].filter(
    (element) => element.scrollWidth > element.clientWidth && getComputedStyle(element).overflowX === "auto",
  );

  const open = (many = Infinity) => [...document.querySelectorAll("details")].slice(0, many).forEach((part) => {
    part.open = true;
  });

  return {contrast, covering, graphics, open, outside, sizes, spilling, texts, wide};
})();
