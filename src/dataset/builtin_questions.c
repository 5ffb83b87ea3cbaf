#include "dataset/builtin_questions.h"

const struct sw_builtin_paragraph sw_builtin_paragraphs[SW_BUILTIN_PARAGRAPHS] = {
    {"Pure water boils at 100 degrees Celsius at the air pressure found at sea level. High on a "
     "mountain the air presses less, so water boils at a lower temperature there. Each water "
     "molecule is made of two hydrogen atoms and one oxygen atom.",
     {{"At what temperature does pure water boil at sea level?",
       {"100 degrees Celsius", "100 degrees"}},
      {"Where does water boil at a lower temperature?", {"High on a mountain", "on a mountain"}},
      {"How many hydrogen atoms are in a water molecule?", {"two"}}}},
    {"The Moon travels around the Earth about once every 27 days and always shows us nearly the "
     "same side. On 20 July 1969 the lander of Apollo 11 touched down on its surface. Neil "
     "Armstrong was the first person to walk there, and Buzz Aldrin followed him.",
     {{"Who was the first person to walk on the Moon?", {"Neil Armstrong"}},
      {"How long does the Moon take to travel around the Earth?",
       {"about once every 27 days", "27 days"}},
      {"In which year did Apollo 11 land on the Moon?", {"1969"}}}},
    {"Green plants make their own food from sunlight, water and carbon dioxide, a process called "
     "photosynthesis. The green pigment that catches the light is chlorophyll. The plant keeps "
     "the sugar that it makes and gives off oxygen.",
     {{"What is the green pigment in plants called?", {"chlorophyll"}},
      {"Which gas do plants give off during photosynthesis?", {"oxygen"}},
      {"What do plants keep from photosynthesis?", {"the sugar that it makes", "sugar"}}}},
    {"The Nile flows north through Sudan and Egypt and ends in the Mediterranean Sea. Its two "
     "great branches, the White Nile and the Blue Nile, meet at Khartoum. The Blue Nile rises in "
     "the highlands of Ethiopia.",
     {{"Into which sea does the Nile flow?", {"the Mediterranean Sea", "Mediterranean"}},
      {"In which city do the White and Blue Nile meet?", {"Khartoum"}},
      {"In which country does the Blue Nile rise?", {"Ethiopia"}}}},
    {"The human heart has four chambers: two atria and two ventricles. The right side sends blood "
     "to the lungs, where it takes up oxygen. The left ventricle then pumps it into the aorta, "
     "the largest artery of the body.",
     {{"How many chambers does the human heart have?", {"four"}},
      {"What is the largest artery of the body?", {"the aorta", "aorta"}},
      {"Where does the right side of the heart send blood?", {"the lungs", "to the lungs"}}}},
    {"Honey bees build their combs from wax, in cells with six sides. A colony has one queen, "
     "which lays the eggs, and many thousands of workers. A worker that has found flowers dances "
     "on the comb, and the dance tells the others the direction and distance of the food.",
     {{"How many sides does a cell of a honeycomb have?", {"six"}},
      {"Which bee of a colony lays the eggs?", {"one queen", "queen"}},
      {"How does a worker bee tell others where food is?", {"dances on the comb", "the dance"}}}},
    {"Around 1450 Johannes Gutenberg printed books in the city of Mainz with movable type cast in "
     "metal. His best known work is a Bible in Latin. Before that, books in Europe were mostly "
     "copied by hand, which made them rare and costly.",
     {{"In which city did Johannes Gutenberg print his books?", {"Mainz"}},
      {"What is the best known work printed by Gutenberg?", {"a Bible in Latin", "Bible"}},
      {"How were most books in Europe made before Gutenberg?", {"copied by hand", "by hand"}}}},
    {"Mount Everest stands on the border between Nepal and China and is the highest mountain "
     "above sea level. Edmund Hillary and Tenzing Norgay reached its top on 29 May 1953, the "
     "first climbers known to have done so. The mountain belongs to the Himalayas.",
     {{"Who climbed Mount Everest together with Edmund Hillary?", {"Tenzing Norgay"}},
      {"To which mountain range does Mount Everest belong?", {"the Himalayas", "Himalayas"}},
      {"On the border of which countries is Mount Everest?", {"Nepal and China"}}}},
    {"Chess is played on a board of 64 squares by two players with 16 pieces each. Bishops move "
     "along diagonals, and rooks move along ranks and files. A player wins by checkmate, when the "
     "other side's king is attacked and cannot escape.",
     {{"How many squares does a chess board have?", {"64"}},
      {"Which chess pieces move along diagonals?", {"Bishops"}},
      {"How many pieces does each chess player have?", {"16"}}}},
    {"Iceland is an island in the North Atlantic, and its capital is Reykjavik. The island lies "
     "where two plates of the Earth's crust move apart, so it has many volcanoes and hot springs. "
     "Most of its houses are heated with hot water from the ground.",
     {{"What is the capital of Iceland?", {"Reykjavik"}},
      {"How are most houses in Iceland heated?",
       {"with hot water from the ground", "hot water from the ground"}},
      {"In which ocean is Iceland?", {"the North Atlantic", "North Atlantic"}}}},
    {"The volt, the unit of electric potential, is named after the Italian physicist Alessandro "
     "Volta. In 1800 he described a pile of zinc and silver discs, separated by cloth soaked in "
     "salt water. It was the first battery that gave a steady current.",
     {{"After whom is the volt named?", {"Alessandro Volta", "Volta"}},
      {"What separated the metal discs in Volta's pile?", {"cloth soaked in salt water", "cloth"}},
      {"In which year did Volta describe his battery?", {"1800"}}}},
    {"Marie Curie was born in Warsaw in 1867 and worked in Paris. With her husband Pierre she "
     "discovered the elements polonium and radium. She was awarded the Nobel Prize in Physics in "
     "1903 and the Nobel Prize in Chemistry in 1911.",
     {{"In which city was Marie Curie born?", {"Warsaw"}},
      {"Which elements did Marie and Pierre Curie discover?", {"polonium and radium"}},
      {"In which year did Marie Curie get the chemistry prize?", {"1911"}}}},
    {"An octopus has eight arms lined with suckers, and three hearts. Its blood is blue, because "
     "it carries oxygen with a protein that holds copper instead of iron. When threatened, many "
     "kinds squirt ink to hide their escape.",
     {{"How many hearts does an octopus have?", {"three"}},
      {"Which metal makes the blood of an octopus blue?", {"copper"}},
      {"What do many octopuses do when they are threatened?", {"squirt ink"}}}},
    {"Bread dough rises because yeast feeds on sugars in the flour and gives off carbon dioxide. "
     "The gas is trapped in a stretchy network of a protein called gluten. In the heat of the "
     "oven the bubbles grow, and then the crumb sets around them.",
     {{"Which gas makes bread dough rise?", {"carbon dioxide"}},
      {"What traps the gas in bread dough?",
       {"a stretchy network of a protein called gluten", "gluten"}}}},
    {"Sound travels through air at about 343 metres per second when the air is at 20 degrees "
     "Celsius. It is faster in water and faster still in steel. In a vacuum there is nothing that "
     "could vibrate, so sound cannot travel there at all.",
     {{"How fast does sound travel in air at 20 degrees?",
       {"about 343 metres per second", "343 metres per second"}},
      {"Where can sound not travel at all?", {"In a vacuum", "vacuum"}}}},
    {"Jupiter is the largest planet of the solar system. In January 1610 Galileo Galilei saw four "
     "moons beside it through his telescope: Io, Europa, Ganymede and Callisto. A storm called "
     "the Great Red Spot has been watched in its clouds for well over a century.",
     {{"What is the largest planet of the solar system?", {"Jupiter"}},
      {"What is the storm on Jupiter called?", {"the Great Red Spot", "Great Red Spot"}},
      {"Who saw four moons of Jupiter in 1610?", {"Galileo Galilei", "Galileo"}}}},
    {"A year of the Gregorian calendar has 365 days, and a leap year has 366. The extra day is the "
     "29th of February. Pope Gregory XIII introduced this calendar in 1582 to replace the Julian "
     "calendar, which had drifted away from the seasons.",
     {{"How many days does a leap year have?", {"366"}},
      {"Which calendar did the Gregorian calendar replace?",
       {"the Julian calendar", "Julian calendar"}}}},
    {"The joule, the unit of energy, is named after the English physicist James Prescott Joule. A "
     "device with a power of one watt uses one joule each second. A kilowatt-hour, the unit on "
     "electricity bills, is 3.6 million joules.",
     {{"How many joules are in a kilowatt-hour?", {"3.6 million joules", "3.6 million"}},
      {"After whom is the joule named?", {"James Prescott Joule", "Joule"}}}},
};
